-- turns
SELECT
    m.SessionId AS SessionId, m.TraceId AS TraceId, 1 AS IsTurn,
    toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)) AS Start,
    toUInt64(toInt64(bitAnd(max(m.LastEnd), 9223372036854775807)) - Start) AS Duration,
    sum(m.ErrorCount) AS Errors, sum(m.TotalTokens) AS Tokens, sum(m.Cost) AS Cost, KEYS AS Keys
FROM _turn_minutes AS m
WHERE m.Project = {project:String}
    AND m.SessionId IN CHOSEN
    AND SINCE
GROUP BY SessionId, TraceId
HAVING sum(m.SpanCount) > 0
    AND Start BETWEEN {from:Int64} AND {to:Int64}

-- none
['']

-- user
[substring(max(m.UserPick), 10)]

-- environment
[substring(max(m.EnvironmentPick), 10)]

-- session
[m.SessionId]

-- several
if(empty(groupUniqArrayArray(m.NAMES)), [''], groupUniqArrayArray(m.NAMES))

-- model
SELECT
    SessionId, TraceId, IsTurn, Start, Duration, Errors, toUInt64(0) AS Tokens, toDecimal128(0, 12) AS Cost, Keys
FROM
(
TURNS
)
UNION ALL
SELECT
    c.SessionId AS SessionId, c.TraceId AS TraceId, 0 AS IsTurn, STARTED_AT AS Start, toUInt64(0) AS Duration,
    toUInt64(0) AS Errors, c.Tokens AS Tokens, c.Cost AS Cost, [c.Model] AS Keys
FROM
(
    SELECT OF_TURN, toString(Model) AS Model, sum(TotalTokens) AS Tokens, sum(s.Cost) AS Cost
    FROM session_spans AS s
    WHERE Project = {project:String} AND (TotalTokens > 0 OR s.Cost > 0)
        AND s.SessionId IN CHOSEN
        AND SINCE_CALLS
    GROUP BY SessionId, TraceId, Model
) AS c
JOINED

-- model.of_turn
s.SessionId AS SessionId, s.TraceId AS TraceId

-- model.of_any
if(s.Model = '', s.SessionId, '') AS SessionId, if(s.Model = '', s.TraceId, '') AS TraceId

-- model.joined
INNER JOIN
(
    SELECT
        m.SessionId AS SessionId, m.TraceId AS TraceId, toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)) AS Start
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String}
        AND SINCE
    GROUP BY SessionId, TraceId
    HAVING sum(m.SpanCount) > 0
        AND Start BETWEEN {from:Int64} AND {to:Int64}
) AS t ON t.SessionId = c.SessionId AND t.TraceId = c.TraceId

-- chosen
(SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)

-- since
(m.Minute >= fromUnixTimestamp64Nano({from_minute:Int64}, 'UTC') OR m.Minute = fromUnixTimestamp64Nano(0, 'UTC'))
    AND (m.SessionId, m.TraceId) NOT IN {begun:Array(Tuple(String, String))}

-- since.many
m.SessionId IN
(
    SELECT SessionId
    FROM _turn_minutes
    WHERE Project = {project:String} AND Minute >= fromUnixTimestamp64Nano({from_minute:Int64}, 'UTC')
)

-- since.calls
(s.Timestamp >= fromUnixTimestamp64Nano({from:Int64}, 'UTC') OR s.Timestamp = fromUnixTimestamp64Nano(0, 'UTC'))
    AND (s.SessionId, s.TraceId) NOT IN {begun:Array(Tuple(String, String))}

-- sessions
-- By a hash of 128 bits, as two sessions with one hash would count as one.
uniqExact(reinterpretAsUInt128(sipHash128(SessionId)))

-- traces
count()

-- sessions.model
uniqExactIf(reinterpretAsUInt128(sipHash128(SessionId)), SessionId != '')

-- traces.model
countIf(IsTurn = 1 AND Key != '') + uniqExactIf((SessionId, TraceId), Key = '' AND SessionId != '')

-- total
GROUP BY IsTop, Key

-- points
GROUP BY GROUPING SETS ((IsTop, Key), (IsTop, Key, Bucket))

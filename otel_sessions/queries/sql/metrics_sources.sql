-- turns
SELECT
    t.SessionId AS SessionId, t.TraceId AS TraceId, t.StartTime AS StartTime, 1 AS IsTurn, t.ErrorCount AS Errors,
    t.TotalTokens AS Tokens, t.Cost AS Cost, t.Duration AS Duration, KEYS AS Keys
FROM session_traces AS t
WHERE t.Project = {project:String}
    AND t.SessionId IN CHOSEN
    AND toUnixTimestamp64Nano(t.StartTime) BETWEEN {from:Int64} AND {to:Int64}

-- none
['']

-- user
[t.UserId]

-- environment
[toString(t.Environment)]

-- tag
if(empty(t.Tags), [''], t.Tags)

-- session
[t.SessionId]

-- joined
SELECT
    t.SessionId AS SessionId, t.TraceId AS TraceId, t.StartTime AS StartTime, 1 AS IsTurn, t.ErrorCount AS Errors,
    t.TotalTokens AS Tokens, t.Cost AS Cost, t.Duration AS Duration, if(empty(s.Names), [''], s.Names) AS Keys
FROM session_traces AS t
LEFT JOIN
(
    SELECT SessionId, TraceId, groupUniqArrayArray(NAMES) AS Names
    FROM _turn_minutes
    WHERE Project = {project:String}
    GROUP BY SessionId, TraceId
) AS s ON s.SessionId = t.SessionId AND s.TraceId = t.TraceId
WHERE t.Project = {project:String}
    AND t.SessionId IN CHOSEN
    AND toUnixTimestamp64Nano(t.StartTime) BETWEEN {from:Int64} AND {to:Int64}

-- joined.service
ServiceNames

-- joined.tool
Tools

-- model
SELECT
    t.SessionId AS SessionId, t.TraceId AS TraceId, t.StartTime AS StartTime, 1 AS IsTurn, t.ErrorCount AS Errors,
    toUInt64(0) AS Tokens, toFloat64(0) AS Cost, t.Duration AS Duration, if(empty(t.Models), [''], t.Models) AS Keys
FROM session_traces AS t
WHERE t.Project = {project:String}
    AND t.SessionId IN CHOSEN
    AND toUnixTimestamp64Nano(t.StartTime) BETWEEN {from:Int64} AND {to:Int64}
UNION ALL
SELECT
    c.SessionId AS SessionId, c.TraceId AS TraceId, STARTED AS StartTime, 0 AS IsTurn, toUInt64(0) AS Errors,
    c.Tokens AS Tokens, c.Cost AS Cost, toUInt64(0) AS Duration, [c.Model] AS Keys
FROM
(
    SELECT SessionId, TraceId, toString(Model) AS Model, sum(TotalTokens) AS Tokens, toFloat64(sum(s.Cost)) AS Cost
    FROM session_spans AS s
    WHERE Project = {project:String} AND (TotalTokens > 0 OR s.Cost > 0)
        AND s.SessionId IN CHOSEN
    GROUP BY SessionId, TraceId, Model
) AS c
JOINED

-- model.joined
INNER JOIN
(
    SELECT SessionId, TraceId, StartTime
    FROM session_traces
    WHERE Project = {project:String} AND toUnixTimestamp64Nano(StartTime) BETWEEN {from:Int64} AND {to:Int64}
) AS t ON t.SessionId = c.SessionId AND t.TraceId = c.TraceId

-- chosen
(SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)

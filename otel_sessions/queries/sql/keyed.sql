-- in_doubt
SELECT 1 FROM _corrections WHERE Project = {project:String} AND SessionId KEYS LIMIT 1

-- corrected
SELECT TraceId, Correction
FROM _corrected_turns FINAL
WHERE Project = {project:String} AND SessionId KEYS
LIMIT {limit:UInt32}

-- has_scores_inside
SELECT 1
FROM _scores
WHERE Project = {project:String} AND SessionId = '' AND TraceId IN
(
    SELECT TraceId FROM _session_turns WHERE Project = {project:String} AND SessionId KEYS
)
LIMIT 1

-- session_scores
(
    SELECT * EXCEPT IsDeleted
    FROM _scores FINAL
    WHERE Project = {project:String} AND SessionId KEYS AND IsDeleted = 0
)

-- size
SELECT sum(Minutes) AS Minutes, sum(SpanCount) AS Spans, min(FirstStart) AS First, max(LastEnd) AS Last
FROM _session_activity
WHERE Project = {project:String} AND SessionId KEYS

-- kinds
SELECT SessionId, max(Corrected) AS IsInDoubt, sum(Minutes) > {many:UInt64} AS IsLong
FROM
(
    SELECT SessionId, 0 AS Corrected, Minutes FROM _session_activity WHERE Project = {project:String} AND SessionId KEYS
    UNION ALL
    SELECT SessionId, 1 AS Corrected, AddedMinutes AS Minutes
    FROM _corrections
    WHERE Project = {project:String} AND SessionId KEYS
)
GROUP BY SessionId
HAVING IsInDoubt = 1 OR IsLong

-- versions
SELECT SessionId, lower(hex(sipHash128(arraySort(groupUniqArray(Part)), (
    SELECT arraySort(groupArray((name, toString(uuid))))
    FROM system.tables
    WHERE database = currentDatabase() AND name IN ('_session_turns', '_corrected_turns'))))) AS Version
FROM
(
    SELECT SessionId, concat('turns ', _part) AS Part
    FROM _session_turns
    WHERE Project = {project:String} AND SessionId KEYS
    UNION ALL
    SELECT SessionId, concat('corrections ', _part) AS Part
    FROM _corrected_turns
    WHERE Project = {project:String} AND SessionId KEYS
)
GROUP BY SessionId

-- session_spans
(
${stored_spans}
)

-- session_spans.corrected
(
${stored_spans}
        AND TraceId NOT IN {corrected:Array(String)}
    UNION ALL
    SELECT
        SessionHint AS SessionId,
${../../sessions/parts/session_source}
        AS SessionSource,
        * EXCEPT (
            SessionHint, ReceivedAt, StartsBeyond, EndsBefore, InputKey, InputChars, InputText, OutputKey, OutputChars, OutputText,
            Version),
        StartTimeUnixNano, EndTimeUnixNano, Input, Output
${corrected_spans_from}
)

-- _turn_minutes
-- As a condition of its own, before what the statement asks: a subquery would be planned again for each of its columns.
_session_turns AS m
PREWHERE m.Project = {project:String} AND m.SessionId KEYS AND m.Correction = 0

-- _turn_minutes.corrected
_session_turns AS m
PREWHERE m.Project = {project:String} AND m.SessionId KEYS
    AND m.Correction = transform(m.TraceId, {corrected:Array(String)}, {corrections:Array(UInt64)}, toUInt64(0))

-- _turn_minutes.in_doubt
_session_turns AS m
PREWHERE m.Project = {project:String} AND m.SessionId KEYS
    AND (m.Correction = 0) != (bitXor(m.Pair, toUInt128(m.Correction)) IN (
        SELECT arrayJoin([Pair, bitXor(Pair, toUInt128(Correction))])
        FROM _corrected_turns FINAL
        WHERE Project = {project:String} AND SessionId KEYS))

-- session_traces
(
    SELECT
${../../sessions/parts/turn_columns}
    FROM _turn_minutes AS m
    GROUP BY Project, SessionId, TraceId
    HAVING SpanCount > 0
)

-- session_timeline
(
    SELECT
${../../sessions/parts/minute_columns}
    FROM _turn_minutes AS m
    WHERE m.SpanCount > 0
    GROUP BY Project, SessionId, Minute
)

-- session_parts
(
${../../sessions/parts/parts_of_minutes}
)

-- sessions
(
    SELECT
${../../sessions/parts/session_figures}
    FROM _turn_minutes AS m
    GROUP BY Project, SessionId
    HAVING SpanCount > 0
)

-- sessions.whole
(
${../../sessions/parts/sessions_of_minutes}
)

-- sessions.columns
Project String, SessionId String, StartTime DateTime64(9, 'UTC'), EndTime DateTime64(9, 'UTC'), Duration UInt64,
TraceCount UInt64, SpanCount UInt64, ErrorCount UInt64, UserIds Array(String), ServiceNames Array(String),
Environments Array(String), Models Array(String), Tags Array(String), InputTokens UInt64, OutputTokens UInt64,
CachedInputTokens UInt64, CacheCreationInputTokens UInt64, ReasoningTokens UInt64, TotalTokens UInt64, Cost Float64,
ModelCalls UInt64, UnpricedCalls UInt64, ToolCalls UInt64, Input String, Output String, LastError String,
LongestGap UInt64, Metadata Map(String, String)

-- sessions.remembered
(SELECT * FROM format('JSONEachRow', $$COLUMNS$$, {rows:String}) SETTINGS precise_float_parsing = 1)

-- session_ends
(
    SELECT
        SessionId,
${turn_ends}
    FROM
    (
        SELECT
            m.SessionId AS SessionId, m.TraceId AS TraceId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd,
            max(m.InputPick) AS InputPick, max(m.OutputPick) AS OutputPick
        FROM _turn_minutes AS m
        GROUP BY SessionId, TraceId
        HAVING sum(m.SpanCount) > 0
    )
    GROUP BY SessionId
)

CREATE VIEW session_timeline
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    `SessionId` String COMMENT 'id of the session',
    `Minute` DateTime64(9, 'UTC') COMMENT 'minute in which spans of the session started, UTC',
    `TraceCount` UInt64 COMMENT 'traces, which are the turns',
    `SpanCount` UInt64 COMMENT 'spans, each once',
    `ErrorCount` UInt64 COMMENT 'spans of status Error',
    `InputTokens` UInt64 COMMENT 'tokens in, of model calls',
    `OutputTokens` UInt64 COMMENT 'tokens out, of model calls',
    `TotalTokens` UInt64 COMMENT 'tokens of model calls together',
    `Cost` Float64 COMMENT 'USD, of model calls'
)
COMMENT 'One row a session and minute'
AS SELECT
    CAST(m.Project, 'String') AS Project,
    m.SessionId AS SessionId,
    m.Minute AS Minute,
    uniqExact(m.TraceId) AS TraceCount,
    sum(m.SpanCount) AS SpanCount,
    sum(m.ErrorCount) AS ErrorCount,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM _session_turns AS m
PREWHERE (m.Correction = 0) != (bitXor(m.Pair, toUInt128(m.Correction)) IN (
    SELECT arrayJoin([Pair, bitXor(Pair, toUInt128(Correction))])
    FROM _corrected_turns
    FINAL
))
WHERE m.SpanCount > 0
GROUP BY
    Project,
    SessionId,
    Minute

CREATE VIEW session_parts
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    `SessionId` String COMMENT 'id of the session',
    `Part` UInt64 COMMENT 'number of the part in its session, from 1 by start',
    `FirstTraceId` String COMMENT 'trace of its first turn',
    `StartTime` DateTime64(9, 'UTC') COMMENT 'start of the first span, UTC',
    `EndTime` DateTime64(9, 'UTC') COMMENT 'end of the last span, UTC',
    `Duration` UInt64 COMMENT 'ns from the start of the first span to the end of the last',
    `Gap` UInt64 COMMENT 'ns without a turn before it; 0 for the first part',
    `TraceCount` UInt64 COMMENT 'traces, which are the turns',
    `SpanCount` UInt64 COMMENT 'spans, each once',
    `ErrorCount` UInt64 COMMENT 'spans of status Error',
    `InputTokens` UInt64 COMMENT 'tokens in, of model calls',
    `OutputTokens` UInt64 COMMENT 'tokens out, of model calls',
    `CachedInputTokens` UInt64 COMMENT 'tokens of the input that came from a cache',
    `CacheCreationInputTokens` UInt64 COMMENT 'tokens of the input that were written to a cache',
    `ReasoningTokens` UInt64 COMMENT 'tokens of the output that were reasoning',
    `TotalTokens` UInt64 COMMENT 'tokens of model calls together',
    `Cost` Float64 COMMENT 'USD, of model calls',
    `ModelCalls` UInt64 COMMENT 'model calls',
    `UnpricedCalls` UInt64 COMMENT 'model calls with tokens and neither a stated cost nor a price',
    `ToolCalls` UInt64 COMMENT 'tool calls',
    `Input` String COMMENT 'beginning of the input of its first turn that has one',
    `Output` String COMMENT 'beginning of the output of its last turn that has one',
    `LastError` String COMMENT 'message of the span of status Error that ended last, or empty'
)
COMMENT 'One row a session and part: what lies between two pauses longer than split_after; one part where that is off'
AS WITH
    (
        SELECT (argMax(SplitAfter, UpdatedAt), argMax(SplitAfterOf, UpdatedAt))
        FROM _session_life
    ) AS life
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.Part AS Part,
    argMin(m.TraceId, (m.FirstStart, m.TraceId)) AS FirstTraceId,
    fromUnixTimestamp64Nano(toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)), 'UTC') AS StartTime,
    fromUnixTimestamp64Nano(toInt64(bitAnd(max(m.LastEnd), 9223372036854775807)), 'UTC') AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    argMin(m.Quiet, (m.FirstStart, m.TraceId)) AS Gap,
    count() AS TraceCount,
    sum(m.SpanCount) AS SpanCount,
    sum(m.ErrorCount) AS ErrorCount,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.CachedInputTokens) AS CachedInputTokens,
    sum(m.CacheCreationInputTokens) AS CacheCreationInputTokens,
    sum(m.ReasoningTokens) AS ReasoningTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost,
    sum(m.ModelCalls) AS ModelCalls,
    sum(m.UnpricedCalls) AS UnpricedCalls,
    sum(m.ToolCalls) AS ToolCalls,
    substring(argMinIf(m.InputPick, (m.FirstStart, m.TraceId), m.InputPick != ''), 10) AS Input,
    substring(argMaxIf(m.OutputPick, (m.LastEnd, m.TraceId), m.OutputPick != ''), 10) AS Output,
    substring(max(m.ErrorPick), 10) AS LastError
FROM
(
    SELECT
        *,
        1 + sum((t.Quiet > t.Limit) AND (t.Limit > 0)) OVER (PARTITION BY t.Project, t.SessionId ORDER BY (t.FirstStart < 9223372036854775808) ASC, t.FirstStart ASC, t.TraceId ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS Part
    FROM
    (
        SELECT
            *,
            if(mapContains(life.2, u.Project), (life.2)[u.Project], life.1) AS Limit,
            max(if(u.LastEnd < 9223372036854775808, 0, u.LastEnd - 9223372036854775808)) OVER (PARTITION BY u.Project, u.SessionId ORDER BY u.FirstStart < 9223372036854775808 ASC, u.FirstStart ASC, u.TraceId ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS EndBefore,
            if((EndBefore > 0) AND (u.FirstStart > EndBefore), u.FirstStart - EndBefore, 0) AS Quiet
        FROM
        (
            SELECT
                m.Project AS Project,
                m.SessionId AS SessionId,
                m.TraceId AS TraceId,
                min(m.FirstStart) AS FirstStart,
                max(m.LastEnd) AS LastEnd,
                max(m.InputPick) AS InputPick,
                max(m.OutputPick) AS OutputPick,
                max(m.ErrorPick) AS ErrorPick,
                sum(m.SpanCount) AS SpanCount,
                sum(m.ErrorCount) AS ErrorCount,
                sum(m.InputTokens) AS InputTokens,
                sum(m.OutputTokens) AS OutputTokens,
                sum(m.CachedInputTokens) AS CachedInputTokens,
                sum(m.CacheCreationInputTokens) AS CacheCreationInputTokens,
                sum(m.ReasoningTokens) AS ReasoningTokens,
                sum(m.TotalTokens) AS TotalTokens,
                sum(m.Cost) AS Cost,
                sum(m.ModelCalls) AS ModelCalls,
                sum(m.UnpricedCalls) AS UnpricedCalls,
                sum(m.ToolCalls) AS ToolCalls
            FROM _session_turns AS m
            PREWHERE (m.Correction = 0) != (bitXor(m.Pair, toUInt128(m.Correction)) IN (
                SELECT arrayJoin([Pair, bitXor(Pair, toUInt128(Correction))])
                FROM _corrected_turns
                FINAL
            ))
            GROUP BY
                Project,
                SessionId,
                TraceId
            HAVING SpanCount > 0
        ) AS u
    ) AS t
) AS m
GROUP BY
    Project,
    SessionId,
    Part

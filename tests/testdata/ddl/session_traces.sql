CREATE VIEW session_traces
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    `SessionId` String COMMENT 'id of the session',
    `TraceId` String COMMENT 'trace, 32 hex digits',
    `Name` String COMMENT 'name that the client gave the trace, else that of its root',
    `StartTime` DateTime64(9, 'UTC') COMMENT 'start of the first span, UTC',
    `EndTime` DateTime64(9, 'UTC') COMMENT 'end of the last span, UTC',
    `Duration` UInt64 COMMENT 'ns from the start of the first span to the end of the last',
    `UserId` String COMMENT 'user of the turn, or empty',
    `Environment` String COMMENT 'deployment environment of the turn, or empty',
    `Tags` Array(String) COMMENT 'tags, sorted',
    `SpanCount` UInt64 COMMENT 'spans, each once',
    `ErrorCount` UInt64 COMMENT 'spans of status Error',
    `LastError` String COMMENT 'message of the span of status Error that ended last, or empty',
    `Input` String COMMENT 'beginning of the input of the turn',
    `Output` String COMMENT 'beginning of the output of the turn',
    `Models` Array(String) COMMENT 'models, sorted',
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
    `Metadata` Map(String, String) COMMENT 'the last value of each key'
)
COMMENT 'One row a trace of a session: its turns'
AS SELECT
    CAST(m.Project, 'String') AS Project,
    m.SessionId AS SessionId,
    m.TraceId AS TraceId,
    substring(max(m.NamePick), 10) AS Name,
    fromUnixTimestamp64Nano(toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)), 'UTC') AS StartTime,
    fromUnixTimestamp64Nano(toInt64(bitAnd(max(m.LastEnd), 9223372036854775807)), 'UTC') AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    substring(max(m.UserPick), 10) AS UserId,
    substring(max(m.EnvironmentPick), 10) AS Environment,
    arraySort(groupUniqArrayArray(m.Tags)) AS Tags,
    sum(m.SpanCount) AS SpanCount,
    sum(m.ErrorCount) AS ErrorCount,
    substring(max(m.ErrorPick), 10) AS LastError,
    substring(max(m.InputPick), 10) AS Input,
    substring(max(m.OutputPick), 10) AS Output,
    arraySort(groupUniqArrayArray(m.Models)) AS Models,
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
    mapApply((key, value) -> (key, substring(value, 9)), maxMap(m.Metadata)) AS Metadata
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

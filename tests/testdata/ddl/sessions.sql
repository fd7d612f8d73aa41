CREATE VIEW sessions
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    `SessionId` String COMMENT 'id of the session',
    `StartTime` DateTime64(9, 'UTC') COMMENT 'start of the first span, UTC',
    `EndTime` DateTime64(9, 'UTC') COMMENT 'end of the last span, UTC',
    `Duration` UInt64 COMMENT 'ns from the start of the first span to the end of the last',
    `TraceCount` UInt64 COMMENT 'traces, which are the turns',
    `SpanCount` UInt64 COMMENT 'spans, each once',
    `ErrorCount` UInt64 COMMENT 'spans of status Error',
    `UserIds` Array(String) COMMENT 'users named, sorted',
    `ServiceNames` Array(String) COMMENT 'services, sorted',
    `Environments` Array(String) COMMENT 'deployment environments, sorted',
    `Models` Array(String) COMMENT 'models, sorted',
    `Tags` Array(String) COMMENT 'tags, sorted',
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
    `Input` String COMMENT 'beginning of the input of the first turn that has one',
    `Output` String COMMENT 'beginning of the output of the last turn that has one',
    `LastError` String COMMENT 'message of the span of status Error that ended last, or empty',
    `LongestGap` UInt64 COMMENT 'ns, the longest time without a turn between two turns',
    `Metadata` Map(String, String) COMMENT 'the last value of each key'
)
COMMENT 'One row a session, with its figures'
AS SELECT
    substring((arrayFirst(turn -> (((turn.4) > 0) AND ((turn.3) != '')), arraySort(arrayZip(mapValues(minMap(map(m.TraceId, m.FirstStart))), mapKeys(minMap(map(m.TraceId, m.FirstStart))), mapValues(maxMap(map(m.TraceId, m.InputPick))), mapValues(maxMap(map(m.TraceId, m.SpanCount))))))).3, 10) AS Input,
    substring((arrayLast(turn -> (((turn.4) > 0) AND ((turn.3) != '')), arraySort(arrayZip(mapValues(maxMap(map(m.TraceId, m.LastEnd))), mapKeys(maxMap(map(m.TraceId, m.LastEnd))), mapValues(maxMap(map(m.TraceId, m.OutputPick))), mapValues(maxMap(map(m.TraceId, m.SpanCount))))))).3, 10) AS Output,
    toUInt64(arrayMax(arrayPushFront(arrayMap((start, end) -> if(start > end, start - end, 0), arrayPopFront(arraySort(arrayFilter(start -> (start < 9223372036854775808), mapValues(minMap(map(m.TraceId, m.FirstStart)))))), arrayPopBack(arraySort(arrayMap(end -> bitAnd(end, 9223372036854775807), arrayFilter(end -> (end >= 9223372036854775808), mapValues(maxMap(map(m.TraceId, m.LastEnd)))))))), 0))) AS LongestGap,
    m.Project AS Project,
    m.SessionId AS SessionId,
    fromUnixTimestamp64Nano(toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)), 'UTC') AS StartTime,
    fromUnixTimestamp64Nano(toInt64(bitAnd(max(m.LastEnd), 9223372036854775807)), 'UTC') AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    uniqExactIf(m.TraceId, m.SpanCount > 0) AS TraceCount,
    sum(m.SpanCount) AS SpanCount,
    sum(m.ErrorCount) AS ErrorCount,
    arraySort(groupUniqArrayArray(m.UserIds)) AS UserIds,
    arraySort(groupUniqArrayArray(m.ServiceNames)) AS ServiceNames,
    arraySort(groupUniqArrayArray(m.Environments)) AS Environments,
    arraySort(groupUniqArrayArray(m.Models)) AS Models,
    arraySort(groupUniqArrayArray(m.Tags)) AS Tags,
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
    substring(max(m.ErrorPick), 10) AS LastError,
    mapApply((key, value) -> (key, substring(value, 9)), maxMap(m.Metadata)) AS Metadata
FROM _session_turns AS m
PREWHERE (m.Correction = 0) != (bitXor(m.Pair, toUInt128(m.Correction)) IN (
    SELECT arrayJoin([Pair, bitXor(Pair, toUInt128(Correction))])
    FROM _corrected_turns
    FINAL
))
GROUP BY
    Project,
    SessionId
HAVING SpanCount > 0

SELECT
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
    substring(arrayFirst(turn -> turn.4 > 0 AND turn.3 != '', arraySort(arrayZip(
        mapValues(minMap(map(m.TraceId, m.FirstStart))), mapKeys(minMap(map(m.TraceId, m.FirstStart))),
        mapValues(maxMap(map(m.TraceId, m.InputPick))), mapValues(maxMap(map(m.TraceId, m.SpanCount)))))).3, 10) AS Input,
    substring(arrayLast(turn -> turn.4 > 0 AND turn.3 != '', arraySort(arrayZip(
        mapValues(maxMap(map(m.TraceId, m.LastEnd))), mapKeys(maxMap(map(m.TraceId, m.LastEnd))),
        mapValues(maxMap(map(m.TraceId, m.OutputPick))), mapValues(maxMap(map(m.TraceId, m.SpanCount)))))).3, 10) AS Output,
    substring(max(m.ErrorPick), 10) AS LastError,
    toUInt64(arrayMax(arrayPushFront(arrayMap(
        (start, end) -> if(start > end, start - end, 0),
        arrayPopFront(arraySort(arrayFilter(start -> start < 9223372036854775808, mapValues(minMap(map(m.TraceId, m.FirstStart)))))),
        arrayPopBack(arraySort(arrayMap(end -> bitAnd(end, 9223372036854775807),
            arrayFilter(end -> end >= 9223372036854775808, mapValues(maxMap(map(m.TraceId, m.LastEnd)))))))), 0))) AS LongestGap,
    mapApply((key, value) -> (key, substring(value, 9)), maxMap(m.Metadata)) AS Metadata
FROM _turn_minutes AS m
GROUP BY Project, SessionId
HAVING SpanCount > 0
ORDER BY Project, SessionId

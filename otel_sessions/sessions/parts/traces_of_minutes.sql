SELECT
    m.Project AS Project,
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
FROM _turn_minutes AS m
GROUP BY Project, SessionId, TraceId
HAVING SpanCount > 0
ORDER BY Project, SessionId, StartTime, TraceId

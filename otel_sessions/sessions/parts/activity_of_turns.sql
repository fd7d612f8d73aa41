WITH t.Metadata AS metadata, t.FirstStart AS first_start, t.LastEnd AS last_end
SELECT
    t.Project AS Project, t.SessionId AS SessionId, count() AS Minutes,
    sum(t.Rows) AS Rows,
    sum(t.SpanCount) AS SpanCount,
    sum(t.ErrorCount) AS ErrorCount,
    min(t.FirstStart) AS FirstStart,
    max(t.LastEnd) AS LastEnd,
    groupUniqArray(1024)(
${spell}
    ) AS Spells,
    groupUniqArrayArray(t.UserIds) AS UserIds,
    groupUniqArrayArray(t.ServiceNames) AS ServiceNames,
    groupUniqArrayArray(t.Environments) AS Environments,
    groupUniqArrayArray(t.Models) AS Models,
    groupUniqArrayArray(t.Tags) AS Tags,
    groupUniqArrayArray(t.Tools) AS Tools,
    groupUniqArrayArray(t.Agents) AS Agents,
    sum(t.InputTokens) AS InputTokens,
    sum(t.OutputTokens) AS OutputTokens,
    sum(t.TotalTokens) AS TotalTokens,
    sum(t.CachedInputTokens) AS CachedInputTokens,
    sum(t.CacheCreationInputTokens) AS CacheCreationInputTokens,
    sum(t.ReasoningTokens) AS ReasoningTokens,
    sum(t.Cost) AS Cost,
    sum(t.ModelCalls) AS ModelCalls,
    sum(t.UnpricedCalls) AS UnpricedCalls,
    sum(t.ToolCalls) AS ToolCalls,
    groupBitOr(
${metadata_sieve}
    ) AS MetadataSieve,
    maxMap(CAST(mapApply(
        (key, stamped) -> (key, if(length(stamped) <= 72, stamped, concat(substring(stamped, 1, 8), unhex('FF')))),
        metadata), 'Map(String, String)')) AS Metadata
FROM _session_turns AS t
WHERE t.Correction = 0

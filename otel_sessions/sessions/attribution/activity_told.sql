-- What was told of the sessions given, summed: in the order of activity_anew.
SELECT
    a.Project AS Project, a.SessionId AS SessionId,
    arrayMap(total -> toString(total), [
        toDecimal128(sum(a.Minutes), 12), toDecimal128(sum(a.Rows), 12), toDecimal128(sum(a.SpanCount), 12),
        toDecimal128(sum(a.ErrorCount), 12), toDecimal128(sum(a.InputTokens), 12), toDecimal128(sum(a.OutputTokens), 12),
        toDecimal128(sum(a.TotalTokens), 12), toDecimal128(sum(a.CachedInputTokens), 12),
        toDecimal128(sum(a.CacheCreationInputTokens), 12), toDecimal128(sum(a.ReasoningTokens), 12), sum(a.Cost),
        toDecimal128(sum(a.ModelCalls), 12), toDecimal128(sum(a.UnpricedCalls), 12), toDecimal128(sum(a.ToolCalls), 12)]) AS Sums
FROM _session_activity AS a
WHERE (a.Project, a.SessionId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY a.Project, a.SessionId

    [toDecimal128(t.Minutes, 12), toDecimal128(t.Rows, 12), toDecimal128(t.SpanCount, 12),
    toDecimal128(t.ErrorCount, 12), toDecimal128(t.InputTokens, 12), toDecimal128(t.OutputTokens, 12),
    toDecimal128(t.TotalTokens, 12), toDecimal128(t.CachedInputTokens, 12),
    toDecimal128(t.CacheCreationInputTokens, 12), toDecimal128(t.ReasoningTokens, 12), t.Cost,
    toDecimal128(t.ModelCalls, 12), toDecimal128(t.UnpricedCalls, 12), toDecimal128(t.ToolCalls, 12)]

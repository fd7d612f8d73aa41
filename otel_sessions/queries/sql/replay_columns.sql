    TraceId, SpanId, ParentSpanId, StepKind, StepName, AgentName, StatusCode, StatusMessage,
    Timestamp, Duration, Model, InputTokens, OutputTokens, CachedInputTokens, CacheCreationInputTokens,
    ReasoningTokens, TotalTokens, toFloat64(Cost) AS Cost, CostSource, IsModelCall,
    byteSize(SpanAttributes) + byteSize(`Events.Attributes`) AS Bytes

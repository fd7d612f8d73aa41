    -- Two different spans that claim one identity: the greater version counts. It orders by claim, the best first (level,
    -- root, start, the first 14 bytes of the id), so that the best claim of all versions is the best claim of those
    -- that count; then by content. Equal for equal spans.
    bitShiftLeft(toUInt256(255 - s.ClaimLevel), 248)
        + bitShiftLeft(toUInt256(s.IsRoot), 240)
        + bitShiftLeft(toUInt256(bitNot(s.StartTimeUnixNano)), 176)
        + bitShiftLeft(toUInt256(bitNot(bitShiftRight(reinterpretAsUInt128(reverse(toFixedString(
            substring(s.ClaimId, 1, 14), 16))), 16)) - bitShiftLeft(toUInt128(65535), 112)), 64)
        + cityHash64(
            s.EndTimeUnixNano, s.ParentSpanId, s.TraceState, s.Flags, s.SpanName, s.SpanKind, s.StatusCode,
            s.StatusMessage, s.ResourceAttributes, s.ResourceSchemaUrl, s.ResourceDroppedAttributesCount,
            s.ScopeName, s.ScopeVersion, s.ScopeAttributes, s.ScopeSchemaUrl, s.ScopeDroppedAttributesCount,
            s.SpanAttributes, s.DroppedAttributesCount,
            s.`Events.Timestamp`, s.`Events.Name`, s.`Events.Attributes`, s.`Events.DroppedAttributesCount`,
            s.DroppedEventsCount, s.`Links.TraceId`, s.`Links.SpanId`, s.`Links.TraceState`, s.`Links.Attributes`,
            s.`Links.DroppedAttributesCount`, s.`Links.Flags`, s.DroppedLinksCount, s.ClaimId, s.UserId, s.Environment,
            s.TraceName, s.Tags, s.Metadata, s.StepKind, s.StepName, s.AgentName, s.Model, s.InputTokens, s.OutputTokens,
            s.TotalTokens, s.CachedInputTokens, s.CacheCreationInputTokens, s.ReasoningTokens, s.Cost, s.IsModelCall,
            s.IsToolCall, s.IsUnpriced, s.Input, s.Output, s.TraceInput, s.TraceOutput)

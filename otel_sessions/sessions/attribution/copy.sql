-- Stores the spans of traces in doubt once more, each under its session, where they are not there yet.
INSERT INTO _corrected_spans
(
    Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes,
    ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, `Events.Timestamp`, `Events.Name`,
    `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`, Flags,
    ResourceSchemaUrl, ResourceDroppedAttributesCount, ScopeAttributes, ScopeSchemaUrl, ScopeDroppedAttributesCount,
    DroppedAttributesCount, `Events.DroppedAttributesCount`, DroppedEventsCount, `Links.DroppedAttributesCount`,
    `Links.Flags`, DroppedLinksCount, StartsBeyond, EndsBefore, Project, IsRoot, ClaimLevel, ClaimId,
    ClaimKey, UserId, Environment, TraceName, Tags, Metadata, StepKind, StepName, AgentName, ResponseId,
    PreviousResponseId, IsModelCall, IsToolCall, IsUnpriced, Model, InputTokens, OutputTokens, TotalTokens,
    CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, Cost, CostSource, InputKey, InputChars, InputText,
    OutputKey, OutputChars, OutputText, TraceInput, TraceOutput, SessionHint, ReceivedAt, Version
)
WITH
known AS
(
${../parts/traces_read}
)
SELECT
    Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes,
    ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, `Events.Timestamp`, `Events.Name`,
    `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`, Flags,
    ResourceSchemaUrl, ResourceDroppedAttributesCount, ScopeAttributes, ScopeSchemaUrl, ScopeDroppedAttributesCount,
    DroppedAttributesCount, `Events.DroppedAttributesCount`, DroppedEventsCount, `Links.DroppedAttributesCount`,
    `Links.Flags`, DroppedLinksCount, StartsBeyond, EndsBefore, Project, IsRoot, ClaimLevel, ClaimId,
    ClaimKey, UserId, Environment, TraceName, Tags, Metadata, StepKind, StepName, AgentName, ResponseId,
    PreviousResponseId, IsModelCall, IsToolCall, IsUnpriced, Model, InputTokens, OutputTokens, TotalTokens,
    CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, Cost, CostSource, InputKey, InputChars, InputText,
    OutputKey, OutputChars, OutputText, TraceInput, TraceOutput, SessionHint, ReceivedAt, Version
FROM
(
${../parts/spans_by_the_rule}
) AS s
WHERE s.SessionHint != ''
${copied}

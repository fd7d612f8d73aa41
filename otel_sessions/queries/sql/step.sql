-- One span of a session, by its identity.
SELECT
    SessionId, TraceId, SpanId, ParentSpanId, SpanName, ServiceName, StepKind, StepName, AgentName, StatusCode,
    StatusMessage, Timestamp AS StartTime, Duration, Model, InputTokens, OutputTokens, CachedInputTokens,
    CacheCreationInputTokens, ReasoningTokens, TotalTokens, toFloat64(Cost) AS Cost, CostSource,
    ResourceAttributes, SpanAttributes, `Events.Timestamp`, `Events.Name`, `Events.Attributes`
FROM session_spans
WHERE Project = {project:String} AND TraceId = {trace_id:String} AND SpanId = {span_id:String}
LIMIT 1

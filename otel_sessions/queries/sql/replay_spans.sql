-- The spans of some turns, in the order of the turns and of their starts, and how large what they say is.
SELECT
    TraceId, SpanId, ParentSpanId, StepKind, StepName, AgentName, StatusCode, StatusMessage,
    Timestamp, Duration, Model, InputTokens, OutputTokens, CachedInputTokens, CacheCreationInputTokens,
    ReasoningTokens, TotalTokens, toFloat64(Cost) AS Cost, CostSource, IsModelCall,
    byteSize(SpanAttributes) + byteSize(`Events.Attributes`) AS Bytes
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId
LIMIT {limit:UInt32}

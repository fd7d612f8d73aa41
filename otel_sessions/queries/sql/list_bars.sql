-- What a waterfall of some turns of a session needs of their spans, by their start.
SELECT TraceId, SpanId, ParentSpanId, SpanName, StepKind, StepName, AgentName, Timestamp AS StartTime, Duration, StatusCode
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {traces:Array(String)}
ORDER BY Timestamp, TraceId, SpanId
LIMIT {limit:UInt32}

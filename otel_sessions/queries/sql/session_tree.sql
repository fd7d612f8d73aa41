-- The spans of a session that a tree of them shows, in the order of their start; Error is empty where the span has none.
SELECT
    TraceId, SpanId, ParentSpanId, SpanName, ServiceName, Duration, Model, TotalTokens, Cost,
    if(StatusCode != 'Error', '', coalesce(
        nullIf(StatusMessage, ''),
        nullIf(arrayElement(`Events.Attributes`, indexOf(`Events.Name`, 'exception'))['exception.message'], ''),
        'error')) AS Error
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {traces:Array(String)}
ORDER BY Timestamp, SpanId
LIMIT {limit:UInt32}

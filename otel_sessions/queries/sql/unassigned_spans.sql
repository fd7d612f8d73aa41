-- The spans of a trace that is in no session, in order; the greatest version of each.
SELECT SpanName, toString(ServiceName) AS ServiceName, ScopeName, Timestamp, Duration, StatusCode, SpanAttributes, ResourceAttributes
FROM otel_traces
WHERE Project = {project:String} AND SessionHint = '' AND TraceId = {trace_id:String}
ORDER BY Timestamp, SpanId, ReceivedAt DESC
LIMIT 1 BY SpanId
LIMIT {limit:UInt32}

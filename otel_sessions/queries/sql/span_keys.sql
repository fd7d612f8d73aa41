-- Which spans are on a page, and one more: texts are read of these alone.
SELECT Timestamp, TraceId, SpanId
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND (Timestamp, TraceId, SpanId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String}, {span_id:String})
ORDER BY Timestamp, TraceId, SpanId
LIMIT {limit:UInt32}

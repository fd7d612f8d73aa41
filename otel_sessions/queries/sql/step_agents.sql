-- What the agents of a turn are told by: the spans of a session in one trace, as many as are read for a page.
SELECT SpanId, ParentSpanId, AgentName
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId = {trace_id:String}
LIMIT 20000

SELECT TraceId, SpanCount, START AS Start
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND (START, TraceId) > ({start:Int64}, {trace_id:String})
ORDER BY Start, TraceId
LIMIT {limit:UInt32}

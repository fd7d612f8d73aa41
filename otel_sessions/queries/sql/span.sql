SELECT COLUMNS,
${span_end}
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND TraceId = {trace_id:String} AND SpanId = {span_id:String}
LIMIT 1
SETTINGS max_threads = 1

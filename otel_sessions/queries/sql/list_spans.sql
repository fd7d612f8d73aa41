-- Some spans of a session, in any order: all, or some where they are more than a page may have. Nothing gathers their texts.
SELECT COLUMNS,
${span_end}
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
    AND SpanId IN {span_ids:Array(String)}
SETTINGS max_result_bytes = 8388608, result_overflow_mode = 'break'

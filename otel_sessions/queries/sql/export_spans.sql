-- The spans of a piece, in the order of their turns and times.
SELECT COLUMNS
FROM
(
    SELECT *,
${span_end}
    FROM session_spans
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
        AND SpanId > {behind:String} AND SpanId <= {through:String}
)
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId

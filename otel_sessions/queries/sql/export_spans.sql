-- The spans of a piece: the next by their ids, then in the order of their turns and times.
SELECT COLUMNS
FROM
(
    SELECT *,
${span_end}
    FROM session_spans
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
        AND SpanId > {behind:String}
    ORDER BY if(length({trace_ids:Array(String)}) = 1, SpanId, '')
    LIMIT if(length({trace_ids:Array(String)}) = 1, {limit:UInt32}, 1000000000)
)
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId

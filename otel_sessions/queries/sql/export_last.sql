-- Where a piece ends, and how many spans it has.
SELECT max(SpanId) AS Last, count() AS Count
FROM
(
    SELECT SpanId
    FROM session_spans
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
        AND SpanId > {behind:String}
    ORDER BY SpanId
    LIMIT {limit:UInt32}
)

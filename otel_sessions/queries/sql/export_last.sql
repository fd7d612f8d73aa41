-- Where a piece ends, and how many spans it has.
SELECT toUnixTimestamp64Nano(max(Timestamp)) AS LastTime, argMax(SpanId, (Timestamp, SpanId)) AS LastSpan, count() AS Count
FROM
(
    SELECT Timestamp, SpanId
    FROM session_spans
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
        AND Timestamp >= fromUnixTimestamp64Nano({time:Int64})
        AND (Timestamp, SpanId) > (fromUnixTimestamp64Nano({time:Int64}), {span_id:String})
    ORDER BY Timestamp, SpanId
    LIMIT {limit:UInt32}
)

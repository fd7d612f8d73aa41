-- The spans of a piece, in the order of their turns and times.
SELECT COLUMNS
FROM
(
    SELECT *,
${span_end}
    FROM session_spans
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
        AND Timestamp >= fromUnixTimestamp64Nano({time:Int64}) AND Timestamp <= fromUnixTimestamp64Nano({last_time:Int64})
        AND (Timestamp, SpanId) > (fromUnixTimestamp64Nano({time:Int64}), {span_id:String})
        AND (Timestamp, SpanId) <= (fromUnixTimestamp64Nano({last_time:Int64}), {last_span:String})
)
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId
SETTINGS max_threads = 1

-- The spans of a piece in their order, and how many bytes the texts of each have.
SELECT TraceId, toUnixTimestamp64Nano(Timestamp) AS Time, SpanId,
${span_bytes}
    AS Bytes
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
    AND Timestamp >= fromUnixTimestamp64Nano({time:Int64}) AND Timestamp <= fromUnixTimestamp64Nano({last_time:Int64})
    AND (Timestamp, SpanId) > (fromUnixTimestamp64Nano({time:Int64}), {span_id:String})
    AND (Timestamp, SpanId) <= (fromUnixTimestamp64Nano({last_time:Int64}), {last_span:String})
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId
SETTINGS max_threads = 1, query_plan_execute_functions_after_sorting = 0

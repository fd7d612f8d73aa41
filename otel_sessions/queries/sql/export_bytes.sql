-- How many bytes the texts of a piece have.
SELECT sum(
${span_bytes}
    ) AS Bytes
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
    AND Timestamp >= fromUnixTimestamp64Nano({time:Int64}) AND Timestamp <= fromUnixTimestamp64Nano({last_time:Int64})
SETTINGS max_threads = 1

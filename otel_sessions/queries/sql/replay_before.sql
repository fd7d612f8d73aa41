-- The turns of a session behind a place and up to another, the latest first.
SELECT TraceId, StartTime, SpanCount
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND (StartTime, TraceId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String})
    AND (StartTime, TraceId) <= ({until_time:DateTime64(9, 'UTC')}, {until_trace:String})
ORDER BY StartTime DESC, TraceId DESC
LIMIT {limit:UInt32}

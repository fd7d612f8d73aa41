SELECT COLUMNS
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND (StartTime, TraceId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String})
ORDER BY StartTime, TraceId
LIMIT {limit:UInt32}

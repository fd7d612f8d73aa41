-- When the last of the turns up to a place ended; empty without any.
SELECT toString(max(EndTime)) AS EndTime, count() AS Turns
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND (StartTime, TraceId) <= ({time:DateTime64(9, 'UTC')}, {trace_id:String})

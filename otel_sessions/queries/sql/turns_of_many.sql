-- The turns of a session after a place, oldest first. Which these are is asked first, so that nothing else is worked out
-- of the others.
SELECT COLUMNS
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN
(
    SELECT TraceId
    FROM session_traces
    WHERE Project = {project:String} AND SessionId = {session_id:String}
        AND (StartTime, TraceId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String})
    ORDER BY StartTime, TraceId
    LIMIT {limit:UInt32}
)
ORDER BY StartTime, TraceId

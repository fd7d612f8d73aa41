-- The traces of a session, oldest first.
SELECT *
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
ORDER BY StartTime, TraceId
LIMIT {limit:UInt32}

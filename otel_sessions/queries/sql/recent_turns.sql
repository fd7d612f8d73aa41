SELECT *
FROM session_traces
WHERE Project = {project:String}
    AND TraceId IN (
        SELECT TraceId FROM otel_traces
        WHERE Project = {project:String} AND ReceivedAt >= now() - toIntervalSecond({seconds:UInt32}))
    AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)
ORDER BY StartTime, TraceId
LIMIT 1000

-- Percentiles of the durations of a session's turns, in nanoseconds.
SELECT quantileExact(0.5)(Duration) AS P50, quantileExact(0.95)(Duration) AS P95
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
HAVING count() > 0

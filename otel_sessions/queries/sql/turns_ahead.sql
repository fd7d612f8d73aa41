-- Which turns of a session come next after a place, oldest first, and how many spans each has.
SELECT TraceId, Spans
FROM
(
    SELECT
        m.TraceId AS TraceId,
        fromUnixTimestamp64Nano(toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)), 'UTC') AS StartTime,
        sum(m.SpanCount) AS Spans
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId = {session_id:String}
    GROUP BY TraceId
    HAVING Spans > 0
)
WHERE (StartTime, TraceId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String})
ORDER BY StartTime, TraceId
LIMIT {limit:UInt32}

-- Which turns of a session come next after a place, oldest first. A row is of one minute of a turn, and its `FirstStart` lies in
-- this minute; BOUND and KEPT are texts of ours.
SELECT
    m.TraceId AS TraceId,
    fromUnixTimestamp64Nano(toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)), 'UTC') AS Start,
    sum(m.SpanCount) AS Spans,
    toUInt8(min(m.FirstStart) < 9223372036854775808) AS HasTimes,
    minIf(m.Week, m.Correction = 0) AS FirstWeek,
    maxIf(m.Week, m.Correction = 0) AS LastWeek
FROM _turn_minutes AS m
WHERE m.Project = {project:String} AND m.SessionId = {session_id:String} AND BOUND
GROUP BY m.TraceId
HAVING KEPT AND (Start, TraceId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String})
ORDER BY Start, TraceId
LIMIT {limit:UInt32}

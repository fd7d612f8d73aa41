-- Turns that were under way when a window of time begins, and a row without ids where one has a span whose times make no
-- sense. Turns of all sessions are told by a hash, as two with one hash would only be left out of what a window is read of.
SELECT DISTINCT SessionId, TraceId
FROM
(
    SELECT m.SessionId AS SessionId, m.TraceId AS TraceId
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.FirstStart < {since:UInt64}
        AND sipHash128(m.SessionId, m.TraceId) IN (
            SELECT sipHash128(SessionId, TraceId)
            FROM _turn_minutes
            WHERE Project = {project:String} AND Minute >= fromUnixTimestamp64Nano({from_minute:Int64}, 'UTC')
                AND bitAnd(LastEnd, 9223372036854775807) >= {since:UInt64})
    UNION ALL
    SELECT '' AS SessionId, '' AS TraceId
    FROM _turn_minutes
    WHERE Project = {project:String}
        AND (Minute = fromUnixTimestamp64Nano(0, 'UTC') OR Minute >= toDateTime64('2262-04-11 00:00:00', 9, 'UTC'))
    LIMIT 1
)
LIMIT {limit:UInt32}

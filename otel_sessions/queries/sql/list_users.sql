-- Users in the order of a key, as `session_users` has them; the words in capitals are texts of ours. Turns of all sessions are
-- told apart by hashes: to group and to count by their ids takes twice the time. They have 128 bits, as two turns with
-- one hash would be one.
SELECT COLUMNS, KEY AS _key
FROM
(
    SELECT
    {project:String} AS Project,
${../../sessions/parts/user_columns}
    FROM
    (
        SELECT
            reinterpretAsUInt128(sipHash128(m.SessionId)) AS SessionId, reinterpretAsUInt128(sipHash128(m.TraceId)) AS TraceId,
            substring(max(m.UserPick), 10) AS UserId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd,
${../../sessions/parts/turn_sums}
        FROM _turn_minutes AS m
        WHERE m.Project = {project:String}
        GROUP BY reinterpretAsUInt128(sipHash128(m.SessionId)), reinterpretAsUInt128(sipHash128(m.TraceId))
        HAVING sum(m.SpanCount) > 0 AND UserId != ''
    ) AS t
    GROUP BY UserId
) AS u
WHERE ({q:String} = '' OR positionCaseInsensitiveUTF8(UserId, {q:String}) > 0)
    AND toUnixTimestamp64Nano(LastSeen) >= {since:Int64} AND BEHIND
ORDER BY _key DIRECTION, UserId
LIMIT {limit:UInt32}

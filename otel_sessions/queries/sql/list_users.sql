-- Users in the order of a key; KEY, DIRECTION and BEHIND are texts of ours.
SELECT u.*, KEY AS _key
FROM session_users AS u
WHERE Project = {project:String} AND ({q:String} = '' OR positionCaseInsensitiveUTF8(UserId, {q:String}) > 0)
    AND toUnixTimestamp64Nano(LastSeen) >= {since:Int64} AND BEHIND
ORDER BY _key DIRECTION, UserId
LIMIT {limit:UInt32}

-- Users in the order of a key; the words in capitals are texts of ours.
SELECT COLUMNS, KEY AS _key
FROM session_users AS u
WHERE Project = {project:String} AND ({q:String} = '' OR positionCaseInsensitiveUTF8(UserId, {q:String}) > 0)
    AND toUnixTimestamp64Nano(LastSeen) >= {since:Int64} AND BEHIND
ORDER BY _key DIRECTION, UserId
LIMIT {limit:UInt32}

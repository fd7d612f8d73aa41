-- The sessions that a condition chooses, by a key; the words in capitals are texts of ours.
SELECT COLUMNS, KEY AS _key
FROM sessions
WHERE Project = {project:String} AND AMONG AND CONDITION AND BEHIND
ORDER BY _key DIRECTION, SessionId
LIMIT {limit:UInt32}

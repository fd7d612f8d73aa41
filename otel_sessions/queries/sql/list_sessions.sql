-- The sessions that a condition chooses, in the order of a key; KEY, DIRECTION, CONDITION and BEHIND are texts of ours.
SELECT s.*, KEY AS _key
FROM sessions AS s
WHERE Project = {project:String} AND CONDITION AND BEHIND
ORDER BY _key DIRECTION, SessionId
LIMIT {limit:UInt32}

-- The sessions whose ids begin with a text, the last active first.
SELECT SessionId
FROM sessions
WHERE Project = {project:String} AND startsWith(SessionId, {beginning:String})
ORDER BY EndTime DESC, SessionId
LIMIT {limit:UInt32}

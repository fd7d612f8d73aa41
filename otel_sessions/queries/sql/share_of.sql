SELECT CreatedAt, ExpiresAt, Mode, Hide, HideRoles
FROM session_shares
WHERE Project = {project:String} AND SessionId = {session_id:String}
ORDER BY CreatedAt DESC
LIMIT 1

-- The sessions last active, latest first. The page is picked by narrow columns; only its sessions are worked out.
SELECT *
FROM sessions
WHERE (Project, SessionId) IN (
    SELECT Project, SessionId
    FROM sessions
    WHERE Project = {project:String}
    ORDER BY EndTime DESC, SessionId
    LIMIT {limit:UInt32})
ORDER BY EndTime DESC, SessionId

-- The sessions last active, latest first. The page is picked by narrow columns; only its sessions are worked out.
SELECT *
FROM sessions
WHERE (Project, SessionId) IN (
    SELECT Project, SessionId
    FROM session_members
    WHERE Project = {project:String}
    GROUP BY Project, SessionId
    ORDER BY if(max(HasTimes) = 1, maxIf(EndTime, HasTimes = 1), max(EndTime)) DESC, SessionId
    LIMIT {limit:UInt32})
ORDER BY EndTime DESC, SessionId

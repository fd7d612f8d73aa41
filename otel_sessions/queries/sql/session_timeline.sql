SELECT *
FROM session_timeline
WHERE Project = {project:String} AND SessionId = {session_id:String}
ORDER BY Minute
LIMIT {limit:UInt32}

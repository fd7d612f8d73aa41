SELECT *
FROM session_timeline
WHERE Project = {project:String} AND SessionId = {session_id:String} AND Minute > {minute:DateTime64(9, 'UTC')}
ORDER BY Minute
LIMIT {limit:UInt32}

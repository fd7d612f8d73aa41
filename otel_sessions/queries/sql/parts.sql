SELECT *
FROM session_parts
WHERE Project = {project:String} AND SessionId = {session_id:String} AND Part > {part:UInt64}
ORDER BY Part
LIMIT {limit:UInt32}

-- Of some sessions those that a condition chooses.
SELECT SessionId
FROM sessions
WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)} AND CONDITION

SELECT 1 FROM sessions WHERE Project = {project:String} AND SessionId = {session_id:String}

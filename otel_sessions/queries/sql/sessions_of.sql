SELECT * FROM sessions WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)}

SELECT 1 FROM session_sampling WHERE Project = {project:String} AND SessionId = {session_id:String} AND IsKept = 0

SELECT 1 FROM _session_activity WHERE Project = {project:String} LIMIT 1

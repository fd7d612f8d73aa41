SELECT max(Revision) AS Revision FROM _session_hooks WHERE Hook = {hook:String} AND Project = {project:String} AND SessionId = ''

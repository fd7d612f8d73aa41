SELECT count() AS Count FROM sessions WHERE Project = {project:String} AND CONDITION

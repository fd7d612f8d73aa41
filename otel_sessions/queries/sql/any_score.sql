SELECT 1 FROM _scores FINAL WHERE Project = {project:String} AND IsDeleted = 0 LIMIT 1

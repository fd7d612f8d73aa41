SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION ORDER BY StartTime, SessionId LIMIT {limit:UInt32}

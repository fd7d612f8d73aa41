SELECT * FROM session_users WHERE Project = {project:String} AND UserId = {user_id:String}

SELECT 1
FROM session_comments
WHERE Project = {project:String} AND SessionId = {session_id:String} AND CommentId = {comment_id:String}

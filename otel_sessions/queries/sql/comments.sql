SELECT SessionId, CommentId, TraceId, SpanId, Text, CreatedAt
FROM session_comments
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND (CreatedAt, CommentId) > ({time:DateTime64(9, 'UTC')}, {key:String})
ORDER BY CreatedAt, CommentId
LIMIT {limit:UInt32}

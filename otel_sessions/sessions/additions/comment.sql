-- Stores a comment, or the mark that it is deleted.
INSERT INTO _session_comments (Project, SessionId, CommentId, TraceId, SpanId, Text, CreatedAt, UpdatedAt, IsDeleted)
SELECT
    {project:String}, {session_id:String}, {comment_id:String}, {trace_id:String}, {span_id:String}, {text:String},
    {created_at:DateTime64(9, 'UTC')}, greatest(now64(9, 'UTC'), max(c.UpdatedAt) + INTERVAL 1 MICROSECOND), {is_deleted:UInt8}
FROM _session_comments AS c
WHERE Project = {project:String} AND SessionId = {session_id:String} AND CommentId = {comment_id:String}

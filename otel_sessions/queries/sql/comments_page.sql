-- Comments, the latest first, with how many there are; empty text is no condition.
SELECT *, count() OVER () AS Total
FROM
(
    SELECT
        CommentId, SessionId, TraceId, SpanId, Text, CreatedAt,
        multiIf(SpanId != '', 'OBSERVATION', TraceId != '', 'TRACE', 'SESSION') AS Kind,
        multiIf(SpanId != '', SpanId, TraceId != '', TraceId, SessionId) AS ObjectId
    FROM session_comments
    WHERE Project = {project:String}
)
WHERE ({kind:String} = '' OR Kind = {kind:String})
    AND ({object_id:String} = '' OR ObjectId = {object_id:String})
    AND ({comment_id:String} = '' OR CommentId = {comment_id:String})
ORDER BY CreatedAt DESC, CommentId
LIMIT {limit:UInt32} OFFSET {offset:UInt32}

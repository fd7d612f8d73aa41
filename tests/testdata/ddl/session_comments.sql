CREATE VIEW session_comments
(
    `Project` LowCardinality(String) COMMENT 'whose session it is',
    `SessionId` String COMMENT 'the session that the comment is on',
    `CommentId` String COMMENT 'the id of the comment',
    `TraceId` String COMMENT 'the turn that it is about, or empty',
    `SpanId` String COMMENT 'the span that it is about, or empty',
    `Text` String COMMENT 'what it says',
    `CreatedAt` DateTime64(9, 'UTC') COMMENT 'when it was written, UTC'
)
COMMENT 'One row a comment on a session, on a turn or a span of it'
AS SELECT
    c.Project AS Project,
    c.SessionId AS SessionId,
    c.CommentId AS CommentId,
    c.TraceId AS TraceId,
    c.SpanId AS SpanId,
    c.Text AS Text,
    c.CreatedAt AS CreatedAt
FROM _session_comments AS c
FINAL
WHERE c.IsDeleted = 0

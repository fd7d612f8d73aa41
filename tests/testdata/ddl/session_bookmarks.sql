CREATE VIEW session_bookmarks
(
    `Project` LowCardinality(String) COMMENT 'whose session it is',
    `SessionId` String COMMENT 'the session that is starred',
    `CreatedAt` DateTime64(9, 'UTC') COMMENT 'when it was starred, UTC'
)
COMMENT 'One row a session that an operator starred'
AS SELECT
    b.Project AS Project,
    b.SessionId AS SessionId,
    b.CreatedAt AS CreatedAt
FROM _session_bookmarks AS b
FINAL
WHERE b.IsDeleted = 0

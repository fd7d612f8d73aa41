CREATE VIEW session_shares
(
    `Project` LowCardinality(String) COMMENT 'whose session it is',
    `SessionId` String COMMENT 'the session that is published',
    `CreatedAt` DateTime64(9, 'UTC') COMMENT 'when it was published, UTC',
    `ExpiresAt` Nullable(DateTime64(9, 'UTC')) COMMENT 'until when its link works, UTC; NULL for ever'
)
COMMENT 'One row a link that publishes a session and works now'
AS SELECT
    s.Project AS Project,
    s.SessionId AS SessionId,
    s.CreatedAt AS CreatedAt,
    s.ExpiresAt AS ExpiresAt
FROM _session_shares AS s
FINAL
WHERE (s.IsDeleted = 0) AND ((s.ExpiresAt IS NULL) OR (s.ExpiresAt > now64(9, 'UTC')))

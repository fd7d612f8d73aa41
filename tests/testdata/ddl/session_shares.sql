CREATE VIEW session_shares
(
    `Project` LowCardinality(String) COMMENT 'whose session it is',
    `SessionId` String COMMENT 'the session that is published',
    `CreatedAt` DateTime64(9, 'UTC') COMMENT 'when it was published, UTC',
    `ExpiresAt` Nullable(DateTime64(9, 'UTC')) COMMENT 'until when its link works, UTC; NULL for ever',
    `Mode` LowCardinality(String) COMMENT 'live, or frozen: as it was when it was published',
    `Hide` Array(String) COMMENT 'what the link does not show: user_ids, metadata',
    `HideRoles` Array(String) COMMENT 'roles of the messages that the link does not show'
)
COMMENT 'One row a link that publishes a session and works now'
AS SELECT
    s.Project AS Project,
    s.SessionId AS SessionId,
    s.CreatedAt AS CreatedAt,
    s.ExpiresAt AS ExpiresAt,
    CAST(if(s.IsFrozen, 'frozen', 'live'), 'LowCardinality(String)') AS Mode,
    s.Hide AS Hide,
    s.HideRoles AS HideRoles
FROM _session_shares AS s
FINAL
WHERE (s.IsDeleted = 0) AND ((s.ExpiresAt IS NULL) OR (s.ExpiresAt > now64(9, 'UTC')))

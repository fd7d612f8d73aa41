CREATE VIEW _labels
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `Label` String,
    `CreatedAt` DateTime64(9, 'UTC')
)
AS SELECT
    l.Project AS Project,
    l.SessionId AS SessionId,
    l.Label AS Label,
    l.CreatedAt AS CreatedAt
FROM _session_labels AS l
FINAL
WHERE l.IsDeleted = 0

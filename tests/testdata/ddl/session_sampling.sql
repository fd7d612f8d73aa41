CREATE VIEW session_sampling
(
    `Project` LowCardinality(String) COMMENT 'whose session it is',
    `SessionId` String COMMENT 'id of the session',
    `IsKept` UInt8 COMMENT '1 where it stayed whole; of the others the figures and the frame of each span are left',
    `Weight` Float64 COMMENT 'how many sessions it stands for, 1 and more; 0 where it was dropped',
    `Rule` UInt16 COMMENT 'number of the rule that decided, from 1; 0 for none',
    `DecidedAt` DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC'
)
COMMENT 'One row a session that sampling has decided on'
AS SELECT
    s.Project AS Project,
    s.SessionId AS SessionId,
    s.State = 'kept' AS IsKept,
    s.Weight AS Weight,
    s.Rule AS Rule,
    s.DecidedAt AS DecidedAt
FROM _session_sampling AS s
FINAL

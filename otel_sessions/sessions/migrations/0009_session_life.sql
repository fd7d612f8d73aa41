-- When a session is idle: one row that counts, the latest, as the configuration said at the last start of a service; without
-- one it is after half an hour.
CREATE TABLE IF NOT EXISTS _session_life
(
    IdleAfter UInt64 COMMENT 'how long after the end of its last span a session is idle, ns',
    IdleAfterOf Map(String, UInt64) COMMENT 'the same by project, where it differs, ns',
    UpdatedAt DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY tuple()
COMMENT 'Internal: when a session is idle';

-- What was decided to tell of sessions that have fallen silent, and what became of it.
CREATE TABLE IF NOT EXISTS _session_hooks
(
    Hook LowCardinality(String) COMMENT 'the extension that tells of it, and which of its alerts',
    Project LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    SessionId String COMMENT 'the session that has fallen silent, or empty for an alert' CODEC(ZSTD(1)),
    Revision UInt32 COMMENT 'how many times it had fallen silent, this time included; of an alert, odd ones are firing',
    LastActivity DateTime64(9, 'UTC') COMMENT 'the end of its last span then, UTC' CODEC(ZSTD(1)),
    SpanCount UInt64 COMMENT 'spans it had then',
    Rows UInt64 COMMENT 'rows that were stored under it then: where there are no more, nothing has changed',
    State Enum8('pending' = 1, 'delivered' = 2, 'given_up' = 3) COMMENT 'what became of it',
    Attempts UInt32 COMMENT 'how often it was tried',
    NextAttempt DateTime64(3, 'UTC') COMMENT 'when a pending one is tried next, UTC',
    Payload String COMMENT 'what is told; empty when that is over' CODEC(ZSTD(1)),
    DecidedAt DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC',
    UpdatedAt DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Hook, Project, SessionId, Revision)
COMMENT 'Internal: what is told of sessions that have fallen silent, a row a hook, session and revision';

-- Which sessions stayed whole, and which were dropped.
CREATE TABLE IF NOT EXISTS _session_sampling
(
    Project LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    SessionId String COMMENT 'id of the session' CODEC(ZSTD(1)),
    State Enum8('kept' = 1, 'dropping' = 2, 'dropped' = 3) COMMENT 'what becomes of it',
    Weight Float64 COMMENT 'how many sessions it stands for; 0 where it was dropped',
    Rule UInt16 COMMENT 'number of the rule that decided, from 1; 0 for none',
    Rows UInt64 COMMENT 'rows that were stored under it then',
    DecidedAt DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC',
    UpdatedAt DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId)
COMMENT 'Internal: which sessions were sampled';

CREATE OR REPLACE VIEW session_sampling
(
    Project LowCardinality(String) COMMENT 'whose session it is',
    SessionId String COMMENT 'id of the session',
    IsKept UInt8 COMMENT '1 where it stayed whole; of the others the figures and the frame of each span are left',
    Weight Float64 COMMENT 'how many sessions it stands for, 1 and more; 0 where it was dropped',
    Rule UInt16 COMMENT 'number of the rule that decided, from 1; 0 for none',
    DecidedAt DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC'
)
AS
SELECT s.Project AS Project, s.SessionId AS SessionId, s.State = 'kept' AS IsKept, s.Weight AS Weight, s.Rule AS Rule, s.DecidedAt AS DecidedAt
FROM _session_sampling AS s FINAL
COMMENT 'One row a session that sampling has decided on';

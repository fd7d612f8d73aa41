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
    Hook LowCardinality(String) COMMENT 'the extension that tells of it',
    Project LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    SessionId String COMMENT 'the session that has fallen silent' CODEC(ZSTD(1)),
    Revision UInt32 COMMENT 'how many times it had fallen silent, this time included',
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

CREATE TABLE _session_hooks
(
    `Hook` LowCardinality(String) COMMENT 'the extension that tells of it, and which of its alerts',
    `Project` LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'the session that has fallen silent, or empty for an alert' CODEC(ZSTD(1)),
    `Revision` UInt32 COMMENT 'how many times it had fallen silent, this time included; of an alert, odd ones are firing',
    `LastActivity` DateTime64(9, 'UTC') COMMENT 'the end of its last span then, UTC' CODEC(ZSTD(1)),
    `SpanCount` UInt64 COMMENT 'spans it had then',
    `Rows` UInt64 COMMENT 'rows that were stored under it then: where there are no more, nothing has changed',
    `State` Enum8('pending' = 1, 'delivered' = 2, 'given_up' = 3) COMMENT 'what became of it',
    `Attempts` UInt32 COMMENT 'how often it was tried',
    `NextAttempt` DateTime64(3, 'UTC') COMMENT 'when a pending one is tried next, UTC',
    `Payload` String COMMENT 'what is told; empty when that is over' CODEC(ZSTD(1)),
    `DecidedAt` DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC',
    `UpdatedAt` DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Hook, Project, SessionId, Revision)
SETTINGS index_granularity = 8192
COMMENT 'Internal: what is told of sessions that have fallen silent, a row a hook, session and revision'

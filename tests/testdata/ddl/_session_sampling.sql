CREATE TABLE _session_sampling
(
    `Project` LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'id of the session' CODEC(ZSTD(1)),
    `State` Enum8('kept' = 1, 'dropping' = 2, 'dropped' = 3) COMMENT 'what becomes of it',
    `Weight` Float64 COMMENT 'how many sessions it stands for; 0 where it was dropped',
    `Rule` UInt16 COMMENT 'number of the rule that decided, from 1; 0 for none',
    `Rows` UInt64 COMMENT 'rows that were stored under it then',
    `DecidedAt` DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC',
    `UpdatedAt` DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId)
SETTINGS index_granularity = 8192
COMMENT 'Internal: which sessions were sampled'

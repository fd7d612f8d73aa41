CREATE TABLE _session_life
(
    `IdleAfter` UInt64 COMMENT 'how long after the end of its last span a session is idle, ns',
    `IdleAfterOf` Map(String, UInt64) COMMENT 'the same by project, where it differs, ns',
    `SplitAfter` UInt64 COMMENT 'a new part of a session begins after so long without a turn, ns; 0 for never',
    `SplitAfterOf` Map(String, UInt64) COMMENT 'the same by project, where it differs, ns',
    `UpdatedAt` DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY tuple()
SETTINGS index_granularity = 8192
COMMENT 'Internal: when a session is idle, and when it falls into parts'

CREATE TABLE _forgotten
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'id of the session' CODEC(ZSTD(1)),
    `Traces` Array(String) COMMENT 'traces of which it had the best claim, or that it had alone' CODEC(ZSTD(1)),
    `Levels` Array(UInt8) COMMENT 'of each of these traces the level of its best claim' CODEC(ZSTD(1)),
    `DeletedAt` DateTime64(9, 'UTC') COMMENT 'when it was deleted, UTC' CODEC(ZSTD(1)),
    `Until` DateTime64(9, 'UTC') COMMENT 'what arrives before stays away, UTC; the last second of 2261 for ever' CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') COMMENT 'when this was said last, UTC; the latest counts' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId)
SETTINGS index_granularity = 8192
COMMENT 'Internal: sessions that were deleted'

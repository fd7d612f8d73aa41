CREATE TABLE _deletions
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `DeletionId` String CODEC(ZSTD(1)),
    `Query` String CODEC(ZSTD(1)),
    `FromTime` Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    `ToTime` Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    `State` LowCardinality(String) CODEC(ZSTD(1)),
    `Found` UInt64 CODEC(ZSTD(1)),
    `Deleted` UInt64 CODEC(ZSTD(1)),
    `Error` String CODEC(ZSTD(1)),
    `CreatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, DeletionId)
SETTINGS index_granularity = 8192

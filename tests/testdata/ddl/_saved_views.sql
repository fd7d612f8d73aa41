CREATE TABLE _saved_views
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `Name` String CODEC(ZSTD(1)),
    `Query` String CODEC(ZSTD(1)),
    `Sort` String CODEC(ZSTD(1)),
    `Order` String CODEC(ZSTD(1)),
    `Columns` Array(String) CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `IsDeleted` UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, Name)
SETTINGS index_granularity = 8192

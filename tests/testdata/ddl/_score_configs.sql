CREATE TABLE _score_configs
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `Name` String CODEC(ZSTD(1)),
    `DataType` LowCardinality(String) CODEC(ZSTD(1)),
    `MinValue` Nullable(Float64) CODEC(ZSTD(1)),
    `MaxValue` Nullable(Float64) CODEC(ZSTD(1)),
    `Categories` String CODEC(ZSTD(1)),
    `Description` String CODEC(ZSTD(1)),
    `IsArchived` UInt8 CODEC(ZSTD(1)),
    `CreatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `IsDeleted` UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, Name)
SETTINGS index_granularity = 8192

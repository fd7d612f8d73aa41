CREATE TABLE scores
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `ScoreId` String CODEC(ZSTD(1)),
    `SessionId` String CODEC(ZSTD(1)),
    `TraceId` String CODEC(ZSTD(1)),
    `SpanId` String CODEC(ZSTD(1)),
    `Name` String CODEC(ZSTD(1)),
    `DataType` LowCardinality(String) CODEC(ZSTD(1)),
    `Value` Float64 CODEC(ZSTD(1)),
    `StringValue` String CODEC(ZSTD(1)),
    `Comment` String CODEC(ZSTD(1)),
    `Source` LowCardinality(String) CODEC(ZSTD(1)),
    `Metadata` String CODEC(ZSTD(1)),
    `Environment` LowCardinality(String) CODEC(ZSTD(1)),
    `Timestamp` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `IsDeleted` UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, ScoreId)
SETTINGS index_granularity = 8192

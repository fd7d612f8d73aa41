CREATE TABLE _session_comments
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `SessionId` String CODEC(ZSTD(1)),
    `CommentId` String CODEC(ZSTD(1)),
    `TraceId` String CODEC(ZSTD(1)),
    `SpanId` String CODEC(ZSTD(1)),
    `Text` String CODEC(ZSTD(1)),
    `CreatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `IsDeleted` UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId, CommentId)
SETTINGS index_granularity = 8192

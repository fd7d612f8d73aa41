CREATE TABLE session_candidates
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `SessionId` String CODEC(ZSTD(1)),
    `TraceId` String CODEC(ZSTD(1)),
    `SpanId` String CODEC(ZSTD(1)),
    `Version` UInt256 CODEC(ZSTD(1)),
    `ClaimLevel` UInt8 CODEC(ZSTD(1)),
    `ClaimId` String CODEC(ZSTD(1)),
    `IsRoot` UInt8 CODEC(ZSTD(1)),
    `IsError` UInt8 CODEC(ZSTD(1)),
    `HasTimes` UInt8 CODEC(ZSTD(1)),
    `StartTime` DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    `EndTime` DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    `SpanName` LowCardinality(String) CODEC(ZSTD(1)),
    `TraceName` LowCardinality(String) CODEC(ZSTD(1)),
    `ServiceName` LowCardinality(String) CODEC(ZSTD(1)),
    `UserId` String CODEC(ZSTD(1)),
    `Environment` LowCardinality(String) CODEC(ZSTD(1)),
    `Model` LowCardinality(String) CODEC(ZSTD(1)),
    `Tags` Array(String) CODEC(ZSTD(1)),
    `InputTokens` UInt64 CODEC(ZSTD(1)),
    `OutputTokens` UInt64 CODEC(ZSTD(1)),
    `TotalTokens` UInt64 CODEC(ZSTD(1)),
    `Cost` Decimal(38, 12) CODEC(ZSTD(1)),
    `Input` String CODEC(ZSTD(1)),
    `Output` String CODEC(ZSTD(1)),
    `TraceInput` String CODEC(ZSTD(1)),
    `TraceOutput` String CODEC(ZSTD(1)),
    INDEX idx_start_time StartTime TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(Version)
ORDER BY (Project, SessionId, TraceId, SpanId)
SETTINGS index_granularity = 1024, min_parts_to_merge_at_once = 16, merge_selector_base = 16, non_replicated_deduplication_window = 1000

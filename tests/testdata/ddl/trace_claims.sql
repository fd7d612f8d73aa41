CREATE TABLE trace_claims
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `TraceId` String CODEC(ZSTD(1)),
    `Best` SimpleAggregateFunction(min, Tuple(
        Level UInt8,
        NotRoot UInt8,
        Start UInt64,
        Id String)) CODEC(ZSTD(1)),
    `Places` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(
        SessionId String,
        ClaimLevel UInt8,
        ClaimId String,
        Best Tuple(
            Level UInt8,
            NotRoot UInt8,
            Start UInt64,
            Id String)))) CODEC(ZSTD(1)),
    `Start` SimpleAggregateFunction(min, DateTime64(9)) CODEC(Delta(8), ZSTD(1)),
    `End` SimpleAggregateFunction(max, DateTime64(9)) CODEC(Delta(8), ZSTD(1)),
    `ReceivedAt` SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1)),
    INDEX idx_received ReceivedAt TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, TraceId)
SETTINGS index_granularity = 512, min_parts_to_merge_at_once = 16, merge_selector_base = 16, non_replicated_deduplication_window = 1000

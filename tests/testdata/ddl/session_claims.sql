CREATE TABLE session_claims
(
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `SessionId` String CODEC(ZSTD(1)),
    `TraceId` String CODEC(ZSTD(1)),
    `Best` SimpleAggregateFunction(min, Tuple(
        Level UInt8,
        NotRoot UInt8,
        Start UInt64,
        Id String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, SessionId, TraceId)
SETTINGS index_granularity = 1024, min_parts_to_merge_at_once = 16, merge_selector_base = 16, non_replicated_deduplication_window = 1000

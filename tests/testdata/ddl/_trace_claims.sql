CREATE TABLE _trace_claims
(
    `Project` LowCardinality(String) COMMENT 'whose trace' CODEC(LZ4),
    `TraceId` String COMMENT 'trace' CODEC(ZSTD(3)),
    `Rows` SimpleAggregateFunction(sum, UInt64) COMMENT 'rows stored, repetitions included' CODEC(T64, LZ4),
    `Spans` SimpleAggregateFunction(groupUniqArrayArray(65536), Array(UInt32)) COMMENT '20 bits of hash of the ids of its spans, so many at most' CODEC(T64, LZ4) TTL ReceivedAt + toIntervalDay(1),
    `IsDoubtful` SimpleAggregateFunction(max, UInt8) COMMENT '1 for good, once corrections replace its sums' CODEC(LZ4),
    `Best` SimpleAggregateFunction(min, String) COMMENT 'best claim: level, 0 for a root, start in eight bytes, id; 9 for none' CODEC(ZSTD(3)),
    `Places` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(
        SessionId String,
        ClaimLevel UInt8,
        ClaimId String))) COMMENT 'sessions that spans were stored under; level and id of their own claims where these are of level 1 or 2, empty where that is the session' CODEC(ZSTD(3)),
    `Start` SimpleAggregateFunction(min, DateTime64(9)) COMMENT 'first start of a span' CODEC(T64, LZ4),
    `End` SimpleAggregateFunction(max, DateTime64(9)) COMMENT 'last start of a span' CODEC(T64, LZ4),
    `ReceivedAt` SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'when the last span was stored' CODEC(T64, LZ4),
    INDEX idx_received ReceivedAt TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, TraceId)
SETTINGS index_granularity = 128, min_compress_block_size = 16384, string_serialization_version = 'single_stream', min_parts_to_merge_at_once = 16, merge_selector_base = 16, min_bytes_for_wide_part = 67108864, merge_with_ttl_timeout = 86400, non_replicated_deduplication_window = 1000
COMMENT 'Internal: best claim and places of each trace'

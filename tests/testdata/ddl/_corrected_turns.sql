CREATE TABLE _corrected_turns
(
    `Project` LowCardinality(String) COMMENT 'whose session' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'session' CODEC(ZSTD(1)),
    `TraceId` String COMMENT 'trace in doubt' CODEC(ZSTD(1)),
    `Pair` UInt128 MATERIALIZED reinterpretAsUInt128(sipHash128(Project, SessionId, TraceId)) COMMENT 'hash of session and trace' CODEC(LZ4),
    `Seen` UInt64 COMMENT 'rows of the trace in otel_traces that the correction is made of' CODEC(ZSTD(1)),
    `Correction` UInt64 COMMENT 'number of the correction' CODEC(ZSTD(1)),
    `Members` Array(String) COMMENT 'ids of the spans that the session has of the trace' CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(Seen)
ORDER BY (Project, SessionId, TraceId)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 67108864
COMMENT 'Internal: which corrections are in force'

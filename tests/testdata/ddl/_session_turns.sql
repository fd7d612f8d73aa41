CREATE TABLE _session_turns
(
    `Project` LowCardinality(String) COMMENT 'whose session' CODEC(LZ4),
    `SessionId` String COMMENT 'session that spans were stored under' CODEC(ZSTD(3)),
    `TraceId` String COMMENT 'trace of the spans' CODEC(ZSTD(3)),
    `Pair` SimpleAggregateFunction(any, UInt128) MATERIALIZED reinterpretAsUInt128(sipHash128(Project, SessionId, TraceId)) COMMENT 'hash of session and trace' CODEC(LZ4),
    `Minute` DateTime64(9, 'UTC') COMMENT 'minute in which the spans started' CODEC(GCD, LZ4),
    `Week` Date COMMENT 'week in which they were stored' CODEC(LZ4),
    `ReceivedAt` SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'when the last of them was stored' CODEC(T64, LZ4),
    `Rows` SimpleAggregateFunction(sum, UInt64) COMMENT 'rows stored, repetitions included' CODEC(T64, LZ4),
    `SpanCount` SimpleAggregateFunction(sum, UInt64) COMMENT 'rows that are spans' CODEC(T64, LZ4),
    `ErrorCount` SimpleAggregateFunction(sum, UInt64) COMMENT 'those of status Error' CODEC(T64, LZ4),
    `FirstStart` SimpleAggregateFunction(min, UInt64) COMMENT 'earliest start, ns since 1970; 2^63 is added where the times make no sense' CODEC(T64, LZ4),
    `LastEnd` SimpleAggregateFunction(max, UInt64) COMMENT 'latest end, ns since 1970; 2^63 is added where the times make sense' CODEC(T64, LZ4),
    `NamePick` SimpleAggregateFunction(max, String) COMMENT 'rank, time, name' CODEC(ZSTD(3)),
    `UserPick` SimpleAggregateFunction(max, String) COMMENT 'rank, time, user' CODEC(ZSTD(3)),
    `EnvironmentPick` SimpleAggregateFunction(max, String) COMMENT 'rank, time, environment' CODEC(ZSTD(3)),
    `InputPick` SimpleAggregateFunction(max, String) COMMENT 'rank, time, beginning of the input' CODEC(ZSTD(3)),
    `OutputPick` SimpleAggregateFunction(max, String) COMMENT 'rank, time, beginning of the output' CODEC(ZSTD(3)),
    `ErrorPick` SimpleAggregateFunction(max, String) COMMENT '9, end, message of the error' CODEC(ZSTD(3)),
    `UserIds` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'users named' CODEC(ZSTD(3)),
    `ServiceNames` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'services' CODEC(ZSTD(3)),
    `Environments` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'environments' CODEC(LZ4),
    `Models` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'models' CODEC(ZSTD(3)),
    `Tags` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tags' CODEC(ZSTD(3)),
    `Tools` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tools called' CODEC(ZSTD(3)),
    `Agents` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'agents named' CODEC(LZ4),
    `InputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens in' CODEC(T64, LZ4),
    `OutputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens out' CODEC(T64, LZ4),
    `TotalTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens together' CODEC(T64, LZ4),
    `CachedInputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(T64, LZ4),
    `CacheCreationInputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(T64, LZ4),
    `ReasoningTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the output' CODEC(T64, LZ4),
    `Cost` SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'USD' CODEC(ZSTD(3)),
    `ModelCalls` SimpleAggregateFunction(sum, UInt64) COMMENT 'model calls' CODEC(T64, LZ4),
    `UnpricedCalls` SimpleAggregateFunction(sum, UInt64) COMMENT 'those with tokens and without a price' CODEC(T64, LZ4),
    `ToolCalls` SimpleAggregateFunction(sum, UInt64) COMMENT 'tool calls' CODEC(T64, LZ4),
    `Metadata` SimpleAggregateFunction(maxMap, Map(String, String)) COMMENT 'by key: time, value' CODEC(ZSTD(3)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_minute Minute TYPE minmax GRANULARITY 1,
    INDEX idx_received ReceivedAt TYPE minmax GRANULARITY 1,
    INDEX idx_words lower(if(isValidASCII(concat(substring(InputPick, 10), ' ', substring(OutputPick, 10))), concat(substring(InputPick, 10), ' ', substring(OutputPick, 10)), replaceRegexpAll(translateUTF8(concat(substring(InputPick, 10), ' ', substring(OutputPick, 10)), 'ſK', 'sk'), '[^\\\\x00-\\\\x7F]+', ' '))) TYPE tokenbf_v1(2048, 3, 0) GRANULARITY 1,
    INDEX idx_previous substring(Metadata['session.previous_id'], 9) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY Week
ORDER BY (Project, SessionId, TraceId, Minute)
SETTINGS index_granularity = 128, min_compress_block_size = 16384, min_parts_to_merge_at_once = 16, merge_selector_base = 16, min_bytes_for_wide_part = 536870912, default_compression_codec = 'ZSTD(1)', min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1, enable_max_bytes_limit_for_min_age_to_force_merge = 1, non_replicated_deduplication_window = 1000
COMMENT 'Internal: figures of each trace and minute, summed at the insert'

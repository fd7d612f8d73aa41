CREATE TABLE _session_activity
(
    `Project` LowCardinality(String) COMMENT 'whose session' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'session that spans were stored under' CODEC(ZSTD(1)),
    `Minutes` SimpleAggregateFunction(sum, UInt64) COMMENT 'minutes of traces' CODEC(ZSTD(1)),
    `Rows` SimpleAggregateFunction(sum, UInt64) COMMENT 'rows stored, repetitions included' CODEC(ZSTD(1)),
    `SpanCount` SimpleAggregateFunction(sum, UInt64) COMMENT 'rows that are spans' CODEC(ZSTD(1)),
    `ErrorCount` SimpleAggregateFunction(sum, UInt64) COMMENT 'those of status Error' CODEC(ZSTD(1)),
    `FirstStart` SimpleAggregateFunction(min, UInt64) COMMENT 'earliest start, ns since 1970; 2^63 is added where the times make no sense' CODEC(Delta(8), ZSTD(1)),
    `LastEnd` SimpleAggregateFunction(max, UInt64) COMMENT 'latest end, ns since 1970; 2^63 is added where the times make sense' CODEC(Delta(8), ZSTD(1)),
    `Spells` SimpleAggregateFunction(groupUniqArrayArray(1024), Array(UInt64)) COMMENT 'minutes since 1970 from and to which turns lie, 32 bits each; with so many any' CODEC(T64, ZSTD(1)),
    `UserIds` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'users named' CODEC(ZSTD(1)),
    `ServiceNames` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'services' CODEC(ZSTD(1)),
    `Environments` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'environments' CODEC(ZSTD(1)),
    `Models` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'models' CODEC(ZSTD(1)),
    `Tags` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tags' CODEC(ZSTD(1)),
    `Tools` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tools called' CODEC(ZSTD(1)),
    `Agents` SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'agents named' CODEC(ZSTD(1)),
    `InputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens in' CODEC(ZSTD(1)),
    `OutputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens out' CODEC(ZSTD(1)),
    `TotalTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens together' CODEC(ZSTD(1)),
    `CachedInputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(ZSTD(1)),
    `CacheCreationInputTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(ZSTD(1)),
    `ReasoningTokens` SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the output' CODEC(ZSTD(1)),
    `Cost` SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'USD' CODEC(ZSTD(1)),
    `ModelCalls` SimpleAggregateFunction(sum, UInt64) COMMENT 'model calls' CODEC(ZSTD(1)),
    `UnpricedCalls` SimpleAggregateFunction(sum, UInt64) COMMENT 'those with tokens and without a price' CODEC(ZSTD(1)),
    `ToolCalls` SimpleAggregateFunction(sum, UInt64) COMMENT 'tool calls' CODEC(ZSTD(1)),
    `MetadataSieve` SimpleAggregateFunction(groupBitOr, UInt256) COMMENT 'two bits of the hash of each key and value of the metadata' CODEC(ZSTD(1)),
    `Metadata` SimpleAggregateFunction(maxMap, Map(String, String)) COMMENT 'by key: time, last value; FF in the place of a value that is long or was deleted' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, SessionId)
SETTINGS index_granularity = 1024, min_parts_to_merge_at_once = 16, merge_selector_base = 16, min_bytes_for_wide_part = 67108864, min_age_to_force_merge_seconds = 3600, enable_max_bytes_limit_for_min_age_to_force_merge = 1, non_replicated_deduplication_window = 1000
COMMENT 'Internal: at most what a session has, summed at the insert'

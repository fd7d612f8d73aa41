CREATE TABLE _corrections
(
    `Project` LowCardinality(String) COMMENT 'whose session' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'session' CODEC(ZSTD(1)),
    `TraceId` String COMMENT 'trace in doubt' CODEC(ZSTD(1)),
    `Seen` UInt64 COMMENT 'rows of the trace in otel_traces that this is made of' CODEC(ZSTD(1)),
    `CorrectedAt` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when' CODEC(ZSTD(1)),
    `Members` Array(String) COMMENT 'ids of the spans that the session has of the trace' CODEC(ZSTD(1)),
    `Minutes.Minute` Array(DateTime64(9, 'UTC')) COMMENT 'minutes in which they started' CODEC(ZSTD(1)),
    `Minutes.Rows` Array(UInt64) COMMENT 'of each minute: rows stored, repetitions included' CODEC(ZSTD(1)),
    `Minutes.SpanCount` Array(UInt64) COMMENT 'of each minute: rows that are spans' CODEC(ZSTD(1)),
    `Minutes.ErrorCount` Array(UInt64) COMMENT 'of each minute: those of status Error' CODEC(ZSTD(1)),
    `Minutes.FirstStart` Array(UInt64) COMMENT 'of each minute: earliest start, ns since 1970; 2^63 is added where the times make no sense' CODEC(ZSTD(1)),
    `Minutes.LastEnd` Array(UInt64) COMMENT 'of each minute: latest end, ns since 1970; 2^63 is added where the times make sense' CODEC(ZSTD(1)),
    `Minutes.NamePick` Array(String) COMMENT 'of each minute: rank, time, name' CODEC(ZSTD(1)),
    `Minutes.UserPick` Array(String) COMMENT 'of each minute: rank, time, user' CODEC(ZSTD(1)),
    `Minutes.EnvironmentPick` Array(String) COMMENT 'of each minute: rank, time, environment' CODEC(ZSTD(1)),
    `Minutes.InputPick` Array(String) COMMENT 'of each minute: rank, time, beginning of the input' CODEC(ZSTD(1)),
    `Minutes.OutputPick` Array(String) COMMENT 'of each minute: rank, time, beginning of the output' CODEC(ZSTD(1)),
    `Minutes.ErrorPick` Array(String) COMMENT 'of each minute: 9, end, message of the error' CODEC(ZSTD(1)),
    `Minutes.UserIds` Array(Array(String)) COMMENT 'of each minute: users named' CODEC(ZSTD(1)),
    `Minutes.ServiceNames` Array(Array(String)) COMMENT 'of each minute: services' CODEC(ZSTD(1)),
    `Minutes.Environments` Array(Array(String)) COMMENT 'of each minute: environments' CODEC(ZSTD(1)),
    `Minutes.Models` Array(Array(String)) COMMENT 'of each minute: models' CODEC(ZSTD(1)),
    `Minutes.Tags` Array(Array(String)) COMMENT 'of each minute: tags' CODEC(ZSTD(1)),
    `Minutes.Tools` Array(Array(String)) COMMENT 'of each minute: tools called' CODEC(ZSTD(1)),
    `Minutes.Agents` Array(Array(String)) COMMENT 'of each minute: agents named' CODEC(ZSTD(1)),
    `Minutes.InputTokens` Array(UInt64) COMMENT 'of each minute: tokens in' CODEC(ZSTD(1)),
    `Minutes.OutputTokens` Array(UInt64) COMMENT 'of each minute: tokens out' CODEC(ZSTD(1)),
    `Minutes.TotalTokens` Array(UInt64) COMMENT 'of each minute: tokens together' CODEC(ZSTD(1)),
    `Minutes.CachedInputTokens` Array(UInt64) COMMENT 'of each minute: part of the input' CODEC(ZSTD(1)),
    `Minutes.CacheCreationInputTokens` Array(UInt64) COMMENT 'of each minute: part of the input' CODEC(ZSTD(1)),
    `Minutes.ReasoningTokens` Array(UInt64) COMMENT 'of each minute: part of the output' CODEC(ZSTD(1)),
    `Minutes.Cost` Array(Decimal(38, 12)) COMMENT 'of each minute: USD' CODEC(ZSTD(1)),
    `Minutes.ModelCalls` Array(UInt64) COMMENT 'of each minute: model calls' CODEC(ZSTD(1)),
    `Minutes.UnpricedCalls` Array(UInt64) COMMENT 'of each minute: those with tokens and without a price' CODEC(ZSTD(1)),
    `Minutes.ToolCalls` Array(UInt64) COMMENT 'of each minute: tool calls' CODEC(ZSTD(1)),
    `Minutes.Metadata` Array(Map(String, String)) COMMENT 'of each minute: by key: time, value' CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(Seen)
ORDER BY (Project, SessionId, TraceId)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 67108864
COMMENT 'Internal: what replaces the sums of a trace in doubt'

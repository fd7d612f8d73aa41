-- One row a span: every column of the Collector's ClickHouse exporter under the same name and type, and ours.
--
-- Facts only: a row never changes because something else arrived. The sort key begins with the session as it was known
-- at the insert, so that the spans of a session lie together; it is a place, not a truth (see 0002_sessions.sql).
-- Partitions follow the arrival, not the span's own times: a batch whose timestamps span years is one partition.
-- Merges wait for 16 parts of a size: every span is then rewritten half as often as by default, for a few more parts.
-- The table and those that its views fill remember the tokens of 1000 inserts: an insert that is repeated is stored once
-- (storage/inserts.py).
CREATE TABLE IF NOT EXISTS otel_traces
(
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    `Events.Timestamp` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Events.Name` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Links.TraceId` Array(String) CODEC(ZSTD(1)),
    `Links.SpanId` Array(String) CODEC(ZSTD(1)),
    `Links.TraceState` Array(String) CODEC(ZSTD(1)),
    `Links.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),

    -- The rest of OTLP.
    Flags UInt32 CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceDroppedAttributesCount UInt32 CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeDroppedAttributesCount UInt32 CODEC(ZSTD(1)),
    DroppedAttributesCount UInt32 CODEC(ZSTD(1)),
    `Events.DroppedAttributesCount` Array(UInt32) CODEC(ZSTD(1)),
    DroppedEventsCount UInt32 CODEC(ZSTD(1)),
    `Links.DroppedAttributesCount` Array(UInt32) CODEC(ZSTD(1)),
    `Links.Flags` Array(UInt32) CODEC(ZSTD(1)),
    DroppedLinksCount UInt32 CODEC(ZSTD(1)),
    StartTimeUnixNano UInt64 CODEC(Delta(8), ZSTD(1)),
    EndTimeUnixNano UInt64 CODEC(Delta(8), ZSTD(1)),

    -- What the processors found in it.
    Project LowCardinality(String) CODEC(ZSTD(1)),
    IsRoot UInt8 CODEC(ZSTD(1)),
    ClaimLevel UInt8 DEFAULT 9 CODEC(ZSTD(1)),
    ClaimId String CODEC(ZSTD(1)),
    ClaimKey LowCardinality(String) CODEC(ZSTD(1)),
    UserId String CODEC(ZSTD(1)),
    Environment LowCardinality(String) CODEC(ZSTD(1)),
    TraceName LowCardinality(String) CODEC(ZSTD(1)),
    Tags Array(String) CODEC(ZSTD(1)),
    Metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StepKind LowCardinality(String) CODEC(ZSTD(1)),
    StepName LowCardinality(String) CODEC(ZSTD(1)),
    AgentName LowCardinality(String) CODEC(ZSTD(1)),
    ResponseId String CODEC(ZSTD(1)),
    PreviousResponseId String CODEC(ZSTD(1)),
    IsModelCall UInt8 CODEC(ZSTD(1)),
    IsToolCall UInt8 CODEC(ZSTD(1)),
    IsUnpriced UInt8 CODEC(ZSTD(1)), -- a model call with tokens, and neither a stated cost nor a price
    Model LowCardinality(String) CODEC(ZSTD(1)),
    InputTokens UInt64 CODEC(ZSTD(1)),
    OutputTokens UInt64 CODEC(ZSTD(1)),
    TotalTokens UInt64 CODEC(ZSTD(1)),
    CachedInputTokens UInt64 CODEC(ZSTD(1)), -- these three are parts of the input and of the output
    CacheCreationInputTokens UInt64 CODEC(ZSTD(1)),
    ReasoningTokens UInt64 CODEC(ZSTD(1)),
    Cost Decimal(38, 12) CODEC(ZSTD(1)),
    CostSource LowCardinality(String) CODEC(ZSTD(1)),
    Input String CODEC(ZSTD(1)),
    Output String CODEC(ZSTD(1)),
    TraceInput String CODEC(ZSTD(1)),
    TraceOutput String CODEC(ZSTD(1)),

    -- What the receiver knew at the insert: the best claim of the trace, the session that follows, the time.
    BestLevel UInt8 DEFAULT 9 CODEC(ZSTD(1)),
    BestNotRoot UInt8 DEFAULT 1 CODEC(ZSTD(1)),
    BestStart UInt64 CODEC(ZSTD(1)),
    BestId String CODEC(ZSTD(1)),
    SessionHint String CODEC(ZSTD(1)),
    ReceivedAt DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),

    -- Two different spans that claim one identity: the greater version counts. It orders by claim, the best first (level,
    -- root, start, the first 14 bytes of the id), so that the best claim of all versions is the best claim of those
    -- that count; then by content. Equal for equal spans.
    Version UInt256 DEFAULT
        bitShiftLeft(toUInt256(255 - ClaimLevel), 248)
        + bitShiftLeft(toUInt256(IsRoot), 240)
        + bitShiftLeft(toUInt256(bitNot(StartTimeUnixNano)), 176)
        + bitShiftLeft(toUInt256(bitNot(bitShiftRight(reinterpretAsUInt128(reverse(toFixedString(
            substring(ClaimId, 1, 14), 16))), 16)) - bitShiftLeft(toUInt128(65535), 112)), 64)
        + cityHash64(
            EndTimeUnixNano, ParentSpanId, TraceState, Flags, SpanName, SpanKind, StatusCode, StatusMessage,
            ResourceAttributes, ResourceSchemaUrl, ResourceDroppedAttributesCount,
            ScopeName, ScopeVersion, ScopeAttributes, ScopeSchemaUrl, ScopeDroppedAttributesCount,
            SpanAttributes, DroppedAttributesCount,
            `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Events.DroppedAttributesCount`, DroppedEventsCount,
            `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`, `Links.DroppedAttributesCount`,
            `Links.Flags`, DroppedLinksCount, ClaimId)
        CODEC(ZSTD(1)),

    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_timestamp Timestamp TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toMonday(ReceivedAt, 'UTC')
ORDER BY (Project, SessionHint, TraceId, SpanId)
SETTINGS index_granularity = 2048, min_parts_to_merge_at_once = 16, merge_selector_base = 16,
    non_replicated_deduplication_window = 1000;

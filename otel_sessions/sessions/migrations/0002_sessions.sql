-- Sessions: which spans a session may hold, and which claim of a trace is the best. Every table here is idempotent:
-- rows repeat, in any order, and change nothing. Nothing is ever taken back.

-- A span that was stored before the claim that decides its session arrived, once more, under that session.
CREATE TABLE IF NOT EXISTS otel_traces_moved AS otel_traces
ENGINE = ReplacingMergeTree(Version)
PARTITION BY toMonday(ReceivedAt, 'UTC')
ORDER BY (Project, SessionHint, TraceId, SpanId)
SETTINGS index_granularity = 2048, min_parts_to_merge_at_once = 16, merge_selector_base = 16;

-- Narrow rows: span `SpanId` may be of session `SessionId`. Whether it is, `session_claims` decides.
CREATE TABLE IF NOT EXISTS session_candidates
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    Version UInt256 CODEC(ZSTD(1)),
    ClaimLevel UInt8 CODEC(ZSTD(1)),
    ClaimId String CODEC(ZSTD(1)),
    IsRoot UInt8 CODEC(ZSTD(1)),
    IsError UInt8 CODEC(ZSTD(1)),
    HasTimes UInt8 CODEC(ZSTD(1)), -- 0 where the times make no sense
    StartTime DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    EndTime DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    TraceName LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    UserId String CODEC(ZSTD(1)),
    Environment LowCardinality(String) CODEC(ZSTD(1)),
    Model LowCardinality(String) CODEC(ZSTD(1)),
    Tags Array(String) CODEC(ZSTD(1)),
    InputTokens UInt64 CODEC(ZSTD(1)),
    OutputTokens UInt64 CODEC(ZSTD(1)),
    TotalTokens UInt64 CODEC(ZSTD(1)),
    Cost Decimal(38, 12) CODEC(ZSTD(1)),
    Input String CODEC(ZSTD(1)),
    Output String CODEC(ZSTD(1)),
    TraceInput String CODEC(ZSTD(1)),
    TraceOutput String CODEC(ZSTD(1)),
    INDEX idx_start_time StartTime TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(Version)
ORDER BY (Project, SessionId, TraceId, SpanId)
SETTINGS index_granularity = 1024, min_parts_to_merge_at_once = 16, merge_selector_base = 16,
    non_replicated_deduplication_window = 1000;

-- The best claim of each trace of a session, as far as this session knows. Told are the session that a span is stored
-- under and the one it names itself: an insert that was broken off may have left it there, with no trace of it elsewhere.
CREATE TABLE IF NOT EXISTS session_claims
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    Best SimpleAggregateFunction(min, Tuple(Level UInt8, NotRoot UInt8, Start UInt64, Id String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, SessionId, TraceId)
SETTINGS index_granularity = 1024, min_parts_to_merge_at_once = 16, merge_selector_base = 16,
    non_replicated_deduplication_window = 1000;

-- The best claim of each trace, and under which sessions and with which claims in mind its spans were stored: when these
-- disagree, a better claim has come and spans must be put under their right session. And the times of each trace.
CREATE TABLE IF NOT EXISTS trace_claims
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    Best SimpleAggregateFunction(min, Tuple(Level UInt8, NotRoot UInt8, Start UInt64, Id String)) CODEC(ZSTD(1)),
    Places SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(
        SessionId String, ClaimLevel UInt8, ClaimId String,
        Best Tuple(Level UInt8, NotRoot UInt8, Start UInt64, Id String)))) CODEC(ZSTD(1)),
    Start SimpleAggregateFunction(min, DateTime64(9)) CODEC(Delta(8), ZSTD(1)),
    End SimpleAggregateFunction(max, DateTime64(9)) CODEC(Delta(8), ZSTD(1)),
    ReceivedAt SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1)),
    INDEX idx_received ReceivedAt TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, TraceId)
SETTINGS index_granularity = 512, min_parts_to_merge_at_once = 16, merge_selector_base = 16,
    non_replicated_deduplication_window = 1000;

-- What is stored feeds them: spans as they arrive, and spans that were moved.
CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_session_candidates_mv TO session_candidates AS
SELECT
    Project, SessionHint AS SessionId, TraceId, SpanId, Version, ClaimLevel, ClaimId, IsRoot,
    StatusCode = 'Error' AS IsError,
    StartTimeUnixNano > 0 AND StartTimeUnixNano < 9223372036854775807 AS HasTimes,
    Timestamp AS StartTime,
    if(HasTimes AND EndTimeUnixNano > StartTimeUnixNano AND EndTimeUnixNano < 9223372036854775807,
        fromUnixTimestamp64Nano(toInt64(EndTimeUnixNano), 'UTC'), Timestamp) AS EndTime,
    SpanName, TraceName, ServiceName, UserId, Environment, Model, Tags,
    InputTokens, OutputTokens, TotalTokens, Cost, Input, Output, TraceInput, TraceOutput
FROM otel_traces
WHERE SessionHint != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_session_claims_mv TO session_claims AS
SELECT Project, SessionId, TraceId, min((BestLevel, BestNotRoot, BestStart, BestId)) AS Best
FROM otel_traces
ARRAY JOIN arrayDistinct([SessionHint, ClaimId]) AS SessionId
WHERE SessionId != ''
GROUP BY Project, SessionId, TraceId;

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_trace_claims_mv TO trace_claims AS
SELECT
    Project, TraceId,
    min((BestLevel, BestNotRoot, BestStart, BestId)) AS Best,
    groupUniqArray((SessionHint, ClaimLevel, ClaimId, (BestLevel, BestNotRoot, BestStart, BestId))) AS Places,
    min(t.Timestamp) AS Start, max(t.Timestamp) AS End, max(t.ReceivedAt) AS ReceivedAt
FROM otel_traces AS t
GROUP BY Project, TraceId;

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_moved_session_candidates_mv TO session_candidates AS
SELECT
    Project, SessionHint AS SessionId, TraceId, SpanId, Version, ClaimLevel, ClaimId, IsRoot,
    StatusCode = 'Error' AS IsError,
    StartTimeUnixNano > 0 AND StartTimeUnixNano < 9223372036854775807 AS HasTimes,
    Timestamp AS StartTime,
    if(HasTimes AND EndTimeUnixNano > StartTimeUnixNano AND EndTimeUnixNano < 9223372036854775807,
        fromUnixTimestamp64Nano(toInt64(EndTimeUnixNano), 'UTC'), Timestamp) AS EndTime,
    SpanName, TraceName, ServiceName, UserId, Environment, Model, Tags,
    InputTokens, OutputTokens, TotalTokens, Cost, Input, Output, TraceInput, TraceOutput
FROM otel_traces_moved
WHERE SessionHint != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_moved_session_claims_mv TO session_claims AS
SELECT Project, SessionId, TraceId, min((BestLevel, BestNotRoot, BestStart, BestId)) AS Best
FROM otel_traces_moved
ARRAY JOIN arrayDistinct([SessionHint, ClaimId]) AS SessionId
WHERE SessionId != ''
GROUP BY Project, SessionId, TraceId;

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_moved_trace_claims_mv TO trace_claims AS
SELECT
    Project, TraceId,
    min((BestLevel, BestNotRoot, BestStart, BestId)) AS Best,
    groupUniqArray((SessionHint, ClaimLevel, ClaimId, (BestLevel, BestNotRoot, BestStart, BestId))) AS Places,
    min(t.Timestamp) AS Start, max(t.Timestamp) AS End, max(t.ReceivedAt) AS ReceivedAt
FROM otel_traces_moved AS t
GROUP BY Project, TraceId;

-- Through when each receiver has put late claims into force; where one that starts begins.
CREATE TABLE IF NOT EXISTS attribution_progress
(
    Receiver String,
    Through DateTime('UTC'),
    UpdatedAt DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY Receiver;

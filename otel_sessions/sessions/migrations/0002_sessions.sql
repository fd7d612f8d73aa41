-- Sessions: sums that are made at the insert, what proves them, and what replaces them where the proof fails.
--
-- A span is stored under the session that its receiver knew for it. The figures of that session are summed from the same
-- block. They are right as long as each span of the trace was stored once, under the session that the rule gives it. Where
-- that does not hold the trace is in doubt, and corrections take the place of its sums (../attribution).

-- The figures of each minute of each trace as it was stored under a session. Nothing here is taken back. Granules and blocks
-- are small, as a list reads some rows of each of its sessions, in each week; with fewer than 192 rows their columns, each a block
-- of its own, take more of the disk than what is in them. A week that has ended is merged into one
-- part, once, and its columns lie in one file up to 512 MiB: a list then reads all columns of a granule in one place, and
-- of a week one granule a session. Numbers are in
-- LZ4 without the bits that none of 64 has (T64): an insert writes each column of each granule as a block, and ZSTD takes three
-- times as long for what is mostly zeros. The index of words has those of ASCII, in lower case; two other letters are those of
-- ASCII to whoever ignores case. A text index would take eight times its CPU at the insert.
CREATE TABLE IF NOT EXISTS _session_turns
(
    Project LowCardinality(String) COMMENT 'whose session' CODEC(LZ4),
    SessionId String COMMENT 'session that spans were stored under' CODEC(ZSTD(3)),
    TraceId String COMMENT 'trace of the spans' CODEC(ZSTD(3)),
    Pair SimpleAggregateFunction(any, UInt128) MATERIALIZED reinterpretAsUInt128(sipHash128(Project, SessionId, TraceId)) COMMENT 'hash of session and trace' CODEC(LZ4),
    Minute DateTime64(9, 'UTC') COMMENT 'minute in which the spans started' CODEC(GCD, LZ4),
    Correction UInt64 COMMENT 'which correction these are the figures of; 0 for what was summed at an insert' CODEC(T64, LZ4),
    Week Date COMMENT 'week in which they were stored' CODEC(LZ4),
    ReceivedAt SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'when the last of them was stored' CODEC(T64, LZ4),
    Rows SimpleAggregateFunction(sum, UInt64) COMMENT 'rows stored, repetitions included' CODEC(T64, LZ4),
    SpanCount SimpleAggregateFunction(sum, UInt64) COMMENT 'rows that are spans' CODEC(T64, LZ4),
    ErrorCount SimpleAggregateFunction(sum, UInt64) COMMENT 'those of status Error' CODEC(T64, LZ4),
    FirstStart SimpleAggregateFunction(min, UInt64) COMMENT 'earliest start, ns since 1970; 2^63 is added where the times make no sense' CODEC(T64, LZ4),
    LastEnd SimpleAggregateFunction(max, UInt64) COMMENT 'latest end, ns since 1970; 2^63 is added where the times make sense' CODEC(T64, LZ4),
    NamePick SimpleAggregateFunction(max, String) COMMENT 'rank, time, name' CODEC(ZSTD(3)),
    UserPick SimpleAggregateFunction(max, String) COMMENT 'rank, time, user' CODEC(ZSTD(3)),
    EnvironmentPick SimpleAggregateFunction(max, String) COMMENT 'rank, time, environment' CODEC(ZSTD(3)),
    InputPick SimpleAggregateFunction(max, String) COMMENT 'rank, time, beginning of the input' CODEC(ZSTD(3)),
    OutputPick SimpleAggregateFunction(max, String) COMMENT 'rank, time, beginning of the output' CODEC(ZSTD(3)),
    ErrorPick SimpleAggregateFunction(max, String) COMMENT '9, end, message of the error' CODEC(ZSTD(3)),
    UserIds SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'users named' CODEC(ZSTD(3)),
    ServiceNames SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'services' CODEC(ZSTD(3)),
    Environments SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'environments' CODEC(LZ4),
    Models SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'models' CODEC(ZSTD(3)),
    Tags SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tags' CODEC(ZSTD(3)),
    Tools SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tools called' CODEC(ZSTD(3)),
    Agents SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'agents named' CODEC(LZ4),
    InputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens in' CODEC(T64, LZ4),
    OutputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens out' CODEC(T64, LZ4),
    TotalTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens together' CODEC(T64, LZ4),
    CachedInputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(T64, LZ4),
    CacheCreationInputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(T64, LZ4),
    ReasoningTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the output' CODEC(T64, LZ4),
    Cost SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'USD' CODEC(ZSTD(3)),
    ModelCalls SimpleAggregateFunction(sum, UInt64) COMMENT 'model calls' CODEC(T64, LZ4),
    UnpricedCalls SimpleAggregateFunction(sum, UInt64) COMMENT 'those with tokens and without a price' CODEC(T64, LZ4),
    ToolCalls SimpleAggregateFunction(sum, UInt64) COMMENT 'tool calls' CODEC(T64, LZ4),
    Metadata SimpleAggregateFunction(maxMap, Map(String, String)) COMMENT 'by key: time, value' CODEC(ZSTD(3)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_minute Minute TYPE minmax GRANULARITY 1,
    INDEX idx_received ReceivedAt TYPE minmax GRANULARITY 1,
    INDEX idx_words
${../parts/words_of_turn}
        TYPE tokenbf_v1(1536, 3, 0) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY Week
ORDER BY (Project, SessionId, TraceId, Minute, Correction)
SETTINGS index_granularity = 192, min_compress_block_size = 16384, string_serialization_version = 'single_stream',
    min_parts_to_merge_at_once = 16, merge_selector_base = 16, min_bytes_for_wide_part = 536870912, default_compression_codec = 'ZSTD(1)', min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1, non_replicated_deduplication_window = 1000
COMMENT 'Internal: figures of each trace and minute, summed at the insert';

-- An upper bound of what a session can have: safe to pick by, not to show. What corrections add comes on top of it. A list reads
-- a row of each session in each part, so what is older than an hour is merged into one. Each row of a turn is a
-- spell, and so is all between them where they lie more than an hour apart (../attribution/pauses.sql).
CREATE TABLE IF NOT EXISTS _session_activity
(
    Project LowCardinality(String) COMMENT 'whose session' CODEC(ZSTD(1)),
    SessionId String COMMENT 'session that spans were stored under' CODEC(ZSTD(1)),
    Minutes SimpleAggregateFunction(sum, UInt64) COMMENT 'minutes of traces' CODEC(ZSTD(1)),
    Rows SimpleAggregateFunction(sum, UInt64) COMMENT 'rows stored, repetitions included' CODEC(ZSTD(1)),
    SpanCount SimpleAggregateFunction(sum, UInt64) COMMENT 'rows that are spans' CODEC(ZSTD(1)),
    ErrorCount SimpleAggregateFunction(sum, UInt64) COMMENT 'those of status Error' CODEC(ZSTD(1)),
    FirstStart SimpleAggregateFunction(min, UInt64) COMMENT 'earliest start, ns since 1970; 2^63 is added where the times make no sense' CODEC(Delta(8), ZSTD(1)),
    LastEnd SimpleAggregateFunction(max, UInt64) COMMENT 'latest end, ns since 1970; 2^63 is added where the times make sense' CODEC(Delta(8), ZSTD(1)),
    Spells SimpleAggregateFunction(groupUniqArrayArray(1024), Array(UInt64)) COMMENT 'minutes since 1970 from and to which turns lie, 32 bits each; with so many any' CODEC(T64, ZSTD(1)),
    UserIds SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'users named' CODEC(ZSTD(1)),
    ServiceNames SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'services' CODEC(ZSTD(1)),
    Environments SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'environments' CODEC(ZSTD(1)),
    Models SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'models' CODEC(ZSTD(1)),
    Tags SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tags' CODEC(ZSTD(1)),
    Tools SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'tools called' CODEC(ZSTD(1)),
    Agents SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'agents named' CODEC(ZSTD(1)),
    InputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens in' CODEC(ZSTD(1)),
    OutputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens out' CODEC(ZSTD(1)),
    TotalTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'tokens together' CODEC(ZSTD(1)),
    CachedInputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(ZSTD(1)),
    CacheCreationInputTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the input' CODEC(ZSTD(1)),
    ReasoningTokens SimpleAggregateFunction(sum, UInt64) COMMENT 'part of the output' CODEC(ZSTD(1)),
    Cost SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'USD' CODEC(ZSTD(1)),
    ModelCalls SimpleAggregateFunction(sum, UInt64) COMMENT 'model calls' CODEC(ZSTD(1)),
    UnpricedCalls SimpleAggregateFunction(sum, UInt64) COMMENT 'those with tokens and without a price' CODEC(ZSTD(1)),
    ToolCalls SimpleAggregateFunction(sum, UInt64) COMMENT 'tool calls' CODEC(ZSTD(1)),
    MetadataSieve SimpleAggregateFunction(groupBitOr, UInt256) COMMENT 'two bits of the hash of each key and value of the metadata' CODEC(ZSTD(1)),
    Metadata SimpleAggregateFunction(maxMap, Map(String, String)) COMMENT 'by key: time, last value; FF in the place of a value that is long or was deleted' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, SessionId)
SETTINGS index_granularity = 1024, min_parts_to_merge_at_once = 16, merge_selector_base = 16,
    min_bytes_for_wide_part = 67108864, min_age_to_force_merge_seconds = 3600,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1, non_replicated_deduplication_window = 1000
COMMENT 'Internal: at most what a session has, summed at the insert';

-- The best claim of each trace, where its spans were stored, and which they are. A trace is as it should be when every span
-- came once and lies in its place; all others are looked at. Granules are small, as every trace of an insert is looked up.
-- Hashes of span ids, a third of it all, go a day after the last span: with fewer than rows a trace that is touched again is only
-- held against the whole proof (../attribution).
CREATE TABLE IF NOT EXISTS _trace_claims
(
    Project LowCardinality(String) COMMENT 'whose trace' CODEC(LZ4),
    TraceId String COMMENT 'trace' CODEC(ZSTD(3)),
    Rows SimpleAggregateFunction(sum, UInt64) COMMENT 'rows stored, repetitions included' CODEC(T64, LZ4),
    Spans SimpleAggregateFunction(groupUniqArrayArray(65536), Array(UInt32)) COMMENT '20 bits of hash of the ids of its spans, so many at most' CODEC(T64, LZ4) TTL ReceivedAt + INTERVAL 1 DAY,
    IsDoubtful SimpleAggregateFunction(max, UInt8) COMMENT '1 for good, once corrections replace its sums' CODEC(LZ4),
    Best SimpleAggregateFunction(min, String) COMMENT 'best claim: level, 0 for a root, start in eight bytes, id; 9 for none' CODEC(ZSTD(3)),
    Places SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(SessionId String, ClaimLevel UInt8, ClaimId String)))
        COMMENT 'sessions that spans were stored under; level and id of their own claims where these are of level 1 or 2, empty where that is the session' CODEC(ZSTD(3)),
    Start SimpleAggregateFunction(min, DateTime64(9)) COMMENT 'first start of a span' CODEC(T64, LZ4),
    End SimpleAggregateFunction(max, DateTime64(9)) COMMENT 'last start of a span' CODEC(T64, LZ4),
    ReceivedAt SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'when the last span was stored' CODEC(T64, LZ4),
    INDEX idx_received ReceivedAt TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, TraceId)
SETTINGS index_granularity = 128, min_compress_block_size = 16384, string_serialization_version = 'single_stream',
    min_parts_to_merge_at_once = 16, merge_selector_base = 16, min_bytes_for_wide_part = 67108864, merge_with_ttl_timeout = 86400, non_replicated_deduplication_window = 1000
COMMENT 'Internal: best claim and places of each trace';

-- What a session has of a trace in doubt, worked out from otel_traces: one row a (session, trace), whole, so that the one
-- of the most rows seen replaces the others. Without minutes: the session has none of that trace.
CREATE TABLE IF NOT EXISTS _corrections
(
    Project LowCardinality(String) COMMENT 'whose session' CODEC(ZSTD(1)),
    SessionId String COMMENT 'session' CODEC(ZSTD(1)),
    TraceId String COMMENT 'trace in doubt' CODEC(ZSTD(1)),
    Pair UInt128 MATERIALIZED reinterpretAsUInt128(sipHash128(Project, SessionId, TraceId)) COMMENT 'hash of session and trace' CODEC(LZ4),
    TraceSession String COMMENT 'session of the best claim of the trace' CODEC(ZSTD(1)),
    Seen UInt64 COMMENT 'rows of the trace in otel_traces that this is made of' CODEC(ZSTD(1)),
    Correction UInt64 COMMENT 'under which number its figures lie among the turns' CODEC(ZSTD(1)),
    CorrectedAt DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when' CODEC(ZSTD(1)),
    Members Array(String) COMMENT 'ids of the spans that the session has of the trace' CODEC(ZSTD(1)),
    AddedMinutes UInt64 COMMENT 'minutes, by how many they are more than those that were summed' CODEC(ZSTD(1)),
    AddedSpanCount UInt64 COMMENT 'spans, by how many they are more than those that were summed' CODEC(ZSTD(1)),
    AddedErrorCount UInt64 COMMENT 'the same of spans of status Error' CODEC(ZSTD(1)),
    AddedInputTokens UInt64 COMMENT 'the same of tokens in' CODEC(ZSTD(1)),
    AddedOutputTokens UInt64 COMMENT 'the same of tokens out' CODEC(ZSTD(1)),
    AddedTotalTokens UInt64 COMMENT 'the same of tokens together' CODEC(ZSTD(1)),
    AddedCost Decimal(38, 12) COMMENT 'the same of the cost, USD' CODEC(ZSTD(1)),
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
COMMENT 'Internal: what replaces the sums of a trace in doubt';

-- Which corrections are in force: their figures lie among the turns, and take the place of what inserts summed of their pairs,
-- as their members take that of the spans. Both from one insert on, so that no reader sees the one without the other.
CREATE TABLE IF NOT EXISTS _corrected_turns
(
    Project LowCardinality(String) COMMENT 'whose session' CODEC(ZSTD(1)),
    SessionId String COMMENT 'session' CODEC(ZSTD(1)),
    TraceId String COMMENT 'trace in doubt' CODEC(ZSTD(1)),
    Pair UInt128 MATERIALIZED reinterpretAsUInt128(sipHash128(Project, SessionId, TraceId)) COMMENT 'hash of session and trace' CODEC(LZ4),
    Seen UInt64 COMMENT 'rows of the trace in otel_traces that the correction is made of' CODEC(ZSTD(1)),
    Correction UInt64 COMMENT 'number of the correction' CODEC(ZSTD(1)),
    Members Array(String) COMMENT 'ids of the spans that the session has of the trace' CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(Seen)
ORDER BY (Project, SessionId, TraceId)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 67108864
COMMENT 'Internal: which corrections are in force';

-- The spans of traces in doubt once more, each under its session; which of them count, the members in force say.
CREATE TABLE IF NOT EXISTS _corrected_spans
(
${../parts/span_columns}
    Version UInt256 COMMENT 'of two spans with one identity the greater counts' CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_timestamp Timestamp TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(Version)
PARTITION BY toMonday(ReceivedAt, 'UTC')
ORDER BY (Project, SessionHint, TraceId, SpanId)
SETTINGS index_granularity = 2048, string_serialization_version = 'single_stream', min_bytes_for_wide_part = 268435456
COMMENT 'Internal: spans of traces in doubt, under their sessions';

-- Fed by the inserts into otel_traces.
CREATE MATERIALIZED VIEW IF NOT EXISTS _trace_claims_mv TO _trace_claims AS
${../parts/claims_of_traces}
FROM otel_traces AS s
GROUP BY Project, TraceId;

CREATE MATERIALIZED VIEW IF NOT EXISTS _session_turns_mv TO _session_turns AS
WITH
${../parts/span_values}
SELECT
    s.Project AS Project, s.SessionHint AS SessionId, s.TraceId AS TraceId,
    fromUnixTimestamp64Nano(intDiv(toUnixTimestamp64Nano(s.Timestamp), 60000000000) * 60000000000, 'UTC') AS Minute,
    toMonday(max(s.ReceivedAt), 'UTC') AS Week, max(s.ReceivedAt) AS ReceivedAt,
${../parts/turn_figures}
FROM otel_traces AS s
WHERE s.SessionHint != ''
GROUP BY Project, SessionId, TraceId, Minute;

CREATE MATERIALIZED VIEW IF NOT EXISTS _session_activity_mv TO _session_activity AS
${../parts/activity_of_turns}
GROUP BY Project, SessionId;

-- Through when each receiver has looked at what it stored; where one that starts begins.
CREATE TABLE IF NOT EXISTS _attribution_progress
(
    Receiver String COMMENT 'who stores',
    Through DateTime('UTC') COMMENT 'all that it stored before is looked at',
    UpdatedAt DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when this was noted'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY Receiver
COMMENT 'Internal: how far each receiver is with its traces in doubt';

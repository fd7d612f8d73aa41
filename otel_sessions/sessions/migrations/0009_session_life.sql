-- When a session is idle, and when it falls into parts: one row that counts, the latest, as the configuration said at the
-- last start of a service; without one it is idle after half an hour and has one part.
CREATE TABLE IF NOT EXISTS _session_life
(
    IdleAfter UInt64 COMMENT 'how long after the end of its last span a session is idle, ns',
    IdleAfterOf Map(String, UInt64) COMMENT 'the same by project, where it differs, ns',
    SplitAfter UInt64 COMMENT 'a new part of a session begins after so long without a turn, ns; 0 for never',
    SplitAfterOf Map(String, UInt64) COMMENT 'the same by project, where it differs, ns',
    UpdatedAt DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY tuple()
COMMENT 'Internal: when a session is idle, and when it falls into parts';

-- The turns of a session between two long pauses. A turn belongs to one part, whole: a new one begins where the latest end
-- of all turns before is longer ago than the limit. Turns whose times make no sense are of the first.
CREATE OR REPLACE VIEW session_parts
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    SessionId String COMMENT 'id of the session',
    Part UInt64 COMMENT 'number of the part in its session, from 1 by start',
    FirstTraceId String COMMENT 'trace of its first turn',
    StartTime DateTime64(9, 'UTC') COMMENT 'start of the first span, UTC',
    EndTime DateTime64(9, 'UTC') COMMENT 'end of the last span, UTC',
    Duration UInt64 COMMENT 'ns from the start of the first span to the end of the last',
    Gap UInt64 COMMENT 'ns without a turn before it; 0 for the first part',
    TraceCount UInt64 COMMENT 'traces, which are the turns',
    SpanCount UInt64 COMMENT 'spans, each once',
    ErrorCount UInt64 COMMENT 'spans of status Error',
    InputTokens UInt64 COMMENT 'tokens in, of model calls',
    OutputTokens UInt64 COMMENT 'tokens out, of model calls',
    CachedInputTokens UInt64 COMMENT 'tokens of the input that came from a cache',
    CacheCreationInputTokens UInt64 COMMENT 'tokens of the input that were written to a cache',
    ReasoningTokens UInt64 COMMENT 'tokens of the output that were reasoning',
    TotalTokens UInt64 COMMENT 'tokens of model calls together',
    Cost Float64 COMMENT 'USD, of model calls',
    ModelCalls UInt64 COMMENT 'model calls',
    UnpricedCalls UInt64 COMMENT 'model calls with tokens and neither a stated cost nor a price',
    ToolCalls UInt64 COMMENT 'tool calls',
    Input String COMMENT 'beginning of the input of its first turn that has one',
    Output String COMMENT 'beginning of the output of its last turn that has one',
    LastError String COMMENT 'message of the span of status Error that ended last, or empty'
)
AS
${../parts/parts_of_minutes}
COMMENT 'One row a session and part: what lies between two pauses longer than split_after; one part where that is off';

-- What was decided to tell of sessions that have fallen silent, and what became of it.
CREATE TABLE IF NOT EXISTS _session_hooks
(
    Hook LowCardinality(String) COMMENT 'the extension that tells of it, and which of its alerts',
    Project LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    SessionId String COMMENT 'the session that has fallen silent, or empty for an alert' CODEC(ZSTD(1)),
    Revision UInt32 COMMENT 'how many times it had fallen silent, this time included; of an alert, odd ones are firing',
    LastActivity DateTime64(9, 'UTC') COMMENT 'the end of its last span then, UTC' CODEC(ZSTD(1)),
    SpanCount UInt64 COMMENT 'spans it had then',
    Rows UInt64 COMMENT 'rows that were stored under it then: where there are no more, nothing has changed',
    State Enum8('pending' = 1, 'delivered' = 2, 'given_up' = 3) COMMENT 'what became of it',
    Attempts UInt32 COMMENT 'how often it was tried',
    NextAttempt DateTime64(3, 'UTC') COMMENT 'when a pending one is tried next, UTC',
    Payload String COMMENT 'what is told; empty when that is over' CODEC(ZSTD(1)),
    DecidedAt DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC',
    UpdatedAt DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Hook, Project, SessionId, Revision)
COMMENT 'Internal: what is told of sessions that have fallen silent, a row a hook, session and revision';

-- Which sessions stayed whole, and which were dropped.
CREATE TABLE IF NOT EXISTS _session_sampling
(
    Project LowCardinality(String) COMMENT 'whose session it is' CODEC(ZSTD(1)),
    SessionId String COMMENT 'id of the session' CODEC(ZSTD(1)),
    State Enum8('kept' = 1, 'dropping' = 2, 'dropped' = 3) COMMENT 'what becomes of it',
    Weight Float64 COMMENT 'how many sessions it stands for; 0 where it was dropped',
    Rule UInt16 COMMENT 'number of the rule that decided, from 1; 0 for none',
    Rows UInt64 COMMENT 'rows that were stored under it then',
    DecidedAt DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC',
    UpdatedAt DateTime64(6, 'UTC') COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId)
COMMENT 'Internal: which sessions were sampled';

CREATE OR REPLACE VIEW session_sampling
(
    Project LowCardinality(String) COMMENT 'whose session it is',
    SessionId String COMMENT 'id of the session',
    IsKept UInt8 COMMENT '1 where it stayed whole; of the others the figures and the frame of each span are left',
    Weight Float64 COMMENT 'how many sessions it stands for, 1 and more; 0 where it was dropped',
    Rule UInt16 COMMENT 'number of the rule that decided, from 1; 0 for none',
    DecidedAt DateTime64(3, 'UTC') COMMENT 'when it was decided, UTC'
)
AS
SELECT s.Project AS Project, s.SessionId AS SessionId, s.State = 'kept' AS IsKept, s.Weight AS Weight, s.Rule AS Rule, s.DecidedAt AS DecidedAt
FROM _session_sampling AS s FINAL
COMMENT 'One row a session that sampling has decided on';

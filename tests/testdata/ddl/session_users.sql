CREATE VIEW session_users
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    `UserId` String COMMENT 'user',
    `FirstSeen` DateTime64(9, 'UTC') COMMENT 'start of the first turn, UTC',
    `LastSeen` DateTime64(9, 'UTC') COMMENT 'end of the last turn, UTC',
    `SessionCount` UInt64 COMMENT 'sessions with turns of this user',
    `TraceCount` UInt64 COMMENT 'traces, each once',
    `ErrorCount` UInt64 COMMENT 'spans of status Error',
    `InputTokens` UInt64 COMMENT 'tokens in, of model calls',
    `OutputTokens` UInt64 COMMENT 'tokens out, of model calls',
    `CachedInputTokens` UInt64 COMMENT 'tokens of the input that came from a cache',
    `CacheCreationInputTokens` UInt64 COMMENT 'tokens of the input that were written to a cache',
    `ReasoningTokens` UInt64 COMMENT 'tokens of the output that were reasoning',
    `TotalTokens` UInt64 COMMENT 'tokens of model calls together',
    `Cost` Float64 COMMENT 'USD, of model calls'
)
COMMENT 'One row a user, by the user of each turn'
AS SELECT
    t.Project AS Project,
    t.UserId AS UserId,
    fromUnixTimestamp64Nano(toInt64(bitAnd(min(t.FirstStart), 9223372036854775807)), 'UTC') AS FirstSeen,
    fromUnixTimestamp64Nano(toInt64(bitAnd(max(t.LastEnd), 9223372036854775807)), 'UTC') AS LastSeen,
    uniqExact(t.SessionId) AS SessionCount,
    uniqExact(t.TraceId) AS TraceCount,
    sum(t.ErrorCount) AS ErrorCount,
    sum(t.InputTokens) AS InputTokens,
    sum(t.OutputTokens) AS OutputTokens,
    sum(t.CachedInputTokens) AS CachedInputTokens,
    sum(t.CacheCreationInputTokens) AS CacheCreationInputTokens,
    sum(t.ReasoningTokens) AS ReasoningTokens,
    sum(t.TotalTokens) AS TotalTokens,
    toFloat64(sum(t.Cost)) AS Cost
FROM
(
    SELECT
        CAST(m.Project, 'String') AS Project,
        m.SessionId AS SessionId,
        m.TraceId AS TraceId,
        substring(max(m.UserPick), 10) AS UserId,
        min(m.FirstStart) AS FirstStart,
        max(m.LastEnd) AS LastEnd,
        sum(m.ErrorCount) AS ErrorCount,
        sum(m.InputTokens) AS InputTokens,
        sum(m.OutputTokens) AS OutputTokens,
        sum(m.CachedInputTokens) AS CachedInputTokens,
        sum(m.CacheCreationInputTokens) AS CacheCreationInputTokens,
        sum(m.ReasoningTokens) AS ReasoningTokens,
        sum(m.TotalTokens) AS TotalTokens,
        sum(m.Cost) AS Cost
    FROM _session_turns AS m
    PREWHERE (m.Correction = 0) != (bitXor(m.Pair, toUInt128(m.Correction)) IN (
        SELECT arrayJoin([Pair, bitXor(Pair, toUInt128(Correction))])
        FROM _corrected_turns
        FINAL
    ))
    GROUP BY
        Project,
        SessionId,
        TraceId
    HAVING (sum(m.SpanCount) > 0) AND (UserId != '')
) AS t
GROUP BY
    Project,
    UserId

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
        m.Project AS Project,
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
    FROM
    (
        SELECT
            t.Project AS Project,
            t.SessionId AS SessionId,
            t.TraceId AS TraceId,
            t.Minute AS Minute,
            t.Rows AS Rows,
            t.SpanCount AS SpanCount,
            t.ErrorCount AS ErrorCount,
            t.FirstStart AS FirstStart,
            t.LastEnd AS LastEnd,
            t.NamePick AS NamePick,
            t.UserPick AS UserPick,
            t.EnvironmentPick AS EnvironmentPick,
            t.InputPick AS InputPick,
            t.OutputPick AS OutputPick,
            t.ErrorPick AS ErrorPick,
            t.UserIds AS UserIds,
            t.ServiceNames AS ServiceNames,
            t.Environments AS Environments,
            t.Models AS Models,
            t.Tags AS Tags,
            t.Tools AS Tools,
            t.Agents AS Agents,
            t.InputTokens AS InputTokens,
            t.OutputTokens AS OutputTokens,
            t.TotalTokens AS TotalTokens,
            t.CachedInputTokens AS CachedInputTokens,
            t.CacheCreationInputTokens AS CacheCreationInputTokens,
            t.ReasoningTokens AS ReasoningTokens,
            t.Cost AS Cost,
            t.ModelCalls AS ModelCalls,
            t.UnpricedCalls AS UnpricedCalls,
            t.ToolCalls AS ToolCalls,
            t.Metadata AS Metadata
        FROM _session_turns AS t
        WHERE t.Pair NOT IN (
            SELECT Pair
            FROM _corrections
        )
        UNION ALL
        SELECT
            Project,
            SessionId,
            TraceId,
            Minute,
            Rows,
            SpanCount,
            ErrorCount,
            FirstStart,
            LastEnd,
            NamePick,
            UserPick,
            EnvironmentPick,
            InputPick,
            OutputPick,
            ErrorPick,
            UserIds,
            ServiceNames,
            Environments,
            Models,
            Tags,
            Tools,
            Agents,
            InputTokens,
            OutputTokens,
            TotalTokens,
            CachedInputTokens,
            CacheCreationInputTokens,
            ReasoningTokens,
            Cost,
            ModelCalls,
            UnpricedCalls,
            ToolCalls,
            Metadata
        FROM _corrections
        FINAL
        ARRAY JOIN
            `Minutes.Minute` AS Minute,
            `Minutes.Rows` AS Rows,
            `Minutes.SpanCount` AS SpanCount,
            `Minutes.ErrorCount` AS ErrorCount,
            `Minutes.FirstStart` AS FirstStart,
            `Minutes.LastEnd` AS LastEnd,
            `Minutes.NamePick` AS NamePick,
            `Minutes.UserPick` AS UserPick,
            `Minutes.EnvironmentPick` AS EnvironmentPick,
            `Minutes.InputPick` AS InputPick,
            `Minutes.OutputPick` AS OutputPick,
            `Minutes.ErrorPick` AS ErrorPick,
            `Minutes.UserIds` AS UserIds,
            `Minutes.ServiceNames` AS ServiceNames,
            `Minutes.Environments` AS Environments,
            `Minutes.Models` AS Models,
            `Minutes.Tags` AS Tags,
            `Minutes.Tools` AS Tools,
            `Minutes.Agents` AS Agents,
            `Minutes.InputTokens` AS InputTokens,
            `Minutes.OutputTokens` AS OutputTokens,
            `Minutes.TotalTokens` AS TotalTokens,
            `Minutes.CachedInputTokens` AS CachedInputTokens,
            `Minutes.CacheCreationInputTokens` AS CacheCreationInputTokens,
            `Minutes.ReasoningTokens` AS ReasoningTokens,
            `Minutes.Cost` AS Cost,
            `Minutes.ModelCalls` AS ModelCalls,
            `Minutes.UnpricedCalls` AS UnpricedCalls,
            `Minutes.ToolCalls` AS ToolCalls,
            `Minutes.Metadata` AS Metadata
    ) AS m
    GROUP BY
        Project,
        SessionId,
        TraceId
    HAVING (sum(m.SpanCount) > 0) AND (UserId != '')
) AS t
GROUP BY
    Project,
    UserId

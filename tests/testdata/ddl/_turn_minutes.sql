CREATE VIEW _turn_minutes
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `TraceId` String,
    `Minute` DateTime64(9, 'UTC'),
    `Rows` SimpleAggregateFunction(sum, UInt64),
    `SpanCount` SimpleAggregateFunction(sum, UInt64),
    `ErrorCount` SimpleAggregateFunction(sum, UInt64),
    `FirstStart` SimpleAggregateFunction(min, UInt64),
    `LastEnd` SimpleAggregateFunction(max, UInt64),
    `NamePick` SimpleAggregateFunction(max, String),
    `UserPick` SimpleAggregateFunction(max, String),
    `EnvironmentPick` SimpleAggregateFunction(max, String),
    `InputPick` SimpleAggregateFunction(max, String),
    `OutputPick` SimpleAggregateFunction(max, String),
    `ErrorPick` SimpleAggregateFunction(max, String),
    `UserIds` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `ServiceNames` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `Environments` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `Models` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `Tags` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `Tools` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `Agents` SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    `InputTokens` SimpleAggregateFunction(sum, UInt64),
    `OutputTokens` SimpleAggregateFunction(sum, UInt64),
    `TotalTokens` SimpleAggregateFunction(sum, UInt64),
    `CachedInputTokens` SimpleAggregateFunction(sum, UInt64),
    `CacheCreationInputTokens` SimpleAggregateFunction(sum, UInt64),
    `ReasoningTokens` SimpleAggregateFunction(sum, UInt64),
    `Cost` SimpleAggregateFunction(sum, Decimal(38, 12)),
    `ModelCalls` SimpleAggregateFunction(sum, UInt64),
    `UnpricedCalls` SimpleAggregateFunction(sum, UInt64),
    `ToolCalls` SimpleAggregateFunction(sum, UInt64),
    `Metadata` SimpleAggregateFunction(maxMap, Map(String, String))
)
COMMENT 'Internal: the figures in force of each minute of each trace of each session'
AS SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.TraceId AS TraceId,
    m.Minute AS Minute,
    m.Rows AS Rows,
    m.SpanCount AS SpanCount,
    m.ErrorCount AS ErrorCount,
    m.FirstStart AS FirstStart,
    m.LastEnd AS LastEnd,
    m.NamePick AS NamePick,
    m.UserPick AS UserPick,
    m.EnvironmentPick AS EnvironmentPick,
    m.InputPick AS InputPick,
    m.OutputPick AS OutputPick,
    m.ErrorPick AS ErrorPick,
    m.UserIds AS UserIds,
    m.ServiceNames AS ServiceNames,
    m.Environments AS Environments,
    m.Models AS Models,
    m.Tags AS Tags,
    m.Tools AS Tools,
    m.Agents AS Agents,
    m.InputTokens AS InputTokens,
    m.OutputTokens AS OutputTokens,
    m.TotalTokens AS TotalTokens,
    m.CachedInputTokens AS CachedInputTokens,
    m.CacheCreationInputTokens AS CacheCreationInputTokens,
    m.ReasoningTokens AS ReasoningTokens,
    m.Cost AS Cost,
    m.ModelCalls AS ModelCalls,
    m.UnpricedCalls AS UnpricedCalls,
    m.ToolCalls AS ToolCalls,
    m.Metadata AS Metadata
FROM _session_turns AS m
PREWHERE if(m.Correction = 0, (m.Pair NOT IN (
    SELECT Pair
    FROM _corrected_turns
)), ((m.Pair, m.Correction) IN (
    SELECT
        Pair,
        Correction
    FROM _corrected_turns
    FINAL
)))

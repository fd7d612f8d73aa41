CREATE TABLE _shared_turns
(
    `TokenHash` String,
    `ExpiresAt` DateTime('UTC'),
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
ENGINE = MergeTree
ORDER BY (Project, TokenHash, TraceId, Minute)
TTL ExpiresAt
SETTINGS index_granularity = 8192

CREATE VIEW session_members
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `TraceId` String,
    `SpanId` String,
    `Version` UInt256,
    `ClaimLevel` UInt8,
    `ClaimId` String,
    `IsRoot` UInt8,
    `IsError` UInt8,
    `HasTimes` UInt8,
    `StartTime` DateTime64(9, 'UTC'),
    `EndTime` DateTime64(9, 'UTC'),
    `SpanName` LowCardinality(String),
    `TraceName` LowCardinality(String),
    `ServiceName` LowCardinality(String),
    `UserId` String,
    `Environment` LowCardinality(String),
    `Model` LowCardinality(String),
    `Tags` Array(String),
    `InputTokens` UInt64,
    `OutputTokens` UInt64,
    `TotalTokens` UInt64,
    `Cost` Decimal(38, 12),
    `Input` String,
    `Output` String,
    `TraceInput` String,
    `TraceOutput` String,
    `Best` SimpleAggregateFunction(min, Tuple(
        Level UInt8,
        NotRoot UInt8,
        Start UInt64,
        Id String))
)
AS SELECT * EXCEPT IsSpan
FROM session_rows
WHERE IsSpan = 1

CREATE VIEW session_rows
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
        Id String)),
    `IsSpan` LowCardinality(UInt8)
)
AS SELECT
    c.*,
    claims.Best AS Best,
    c.SpanName != 'otel_sessions.trace_update' AS IsSpan
FROM session_candidates AS c
FINAL
INNER JOIN
(
    SELECT
        Project,
        SessionId,
        TraceId,
        min(Best) AS Best
    FROM session_claims
    GROUP BY
        Project,
        SessionId,
        TraceId
) AS claims ON (claims.Project = c.Project) AND (claims.SessionId = c.SessionId) AND (claims.TraceId = c.TraceId)
WHERE if(c.ClaimLevel = claims.Best.Level, c.ClaimId = c.SessionId, c.SessionId = claims.Best.Id)

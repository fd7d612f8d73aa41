CREATE VIEW session_timeline
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `Minute` DateTime64(9, 'UTC'),
    `TraceCount` UInt64,
    `SpanCount` UInt64,
    `ErrorCount` UInt64,
    `InputTokens` UInt64,
    `OutputTokens` UInt64,
    `Cost` Float64
)
AS SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    fromUnixTimestamp64Nano(intDiv(toUnixTimestamp64Nano(m.StartTime), 60000000000) * 60000000000, 'UTC') AS Minute,
    uniqExact(m.TraceId) AS TraceCount,
    count() AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_members AS m
GROUP BY
    Project,
    SessionId,
    Minute
ORDER BY
    Project ASC,
    SessionId ASC,
    Minute ASC

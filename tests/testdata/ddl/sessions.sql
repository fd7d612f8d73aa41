CREATE VIEW sessions
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `StartTime` DateTime64(9, 'UTC'),
    `EndTime` DateTime64(9, 'UTC'),
    `Duration` UInt64,
    `TraceCount` UInt64,
    `SpanCount` UInt64,
    `ErrorCount` UInt64,
    `UserIds` Array(String),
    `ServiceNames` Array(String),
    `Environments` Array(String),
    `Models` Array(String),
    `Tags` Array(String),
    `InputTokens` UInt64,
    `OutputTokens` UInt64,
    `TotalTokens` UInt64,
    `Cost` Float64
)
AS SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1, minIf(m.StartTime, (m.HasTimes = 1) AND (m.IsSpan = 1)), minIf(m.StartTime, m.IsSpan = 1)) AS StartTime,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1, maxIf(m.EndTime, (m.HasTimes = 1) AND (m.IsSpan = 1)), maxIf(m.EndTime, m.IsSpan = 1)) AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    uniqExactIf(m.TraceId, m.IsSpan = 1) AS TraceCount,
    countIf(m.IsSpan = 1) AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    arraySort(groupUniqArrayIf(m.UserId, m.UserId != '')) AS UserIds,
    arraySort(groupUniqArrayIf(toString(m.ServiceName), m.ServiceName != '')) AS ServiceNames,
    arraySort(groupUniqArrayIf(toString(m.Environment), m.Environment != '')) AS Environments,
    arraySort(groupUniqArrayIf(toString(m.Model), m.Model != '')) AS Models,
    arraySort(groupUniqArrayArray(m.Tags)) AS Tags,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_rows AS m
GROUP BY
    Project,
    SessionId
HAVING SpanCount > 0
ORDER BY
    Project ASC,
    SessionId ASC

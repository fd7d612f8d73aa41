CREATE VIEW session_traces
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `TraceId` String,
    `Name` String,
    `StartTime` DateTime64(9, 'UTC'),
    `EndTime` DateTime64(9, 'UTC'),
    `Duration` UInt64,
    `UserId` String,
    `SpanCount` UInt64,
    `ErrorCount` UInt64,
    `Input` String,
    `Output` String,
    `Models` Array(String),
    `InputTokens` UInt64,
    `OutputTokens` UInt64,
    `TotalTokens` UInt64,
    `Cost` Float64
)
AS SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.TraceId AS TraceId,
    if(max(m.TraceName) != '', argMinIf(toString(m.TraceName), (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceName != ''), argMin(toString(m.SpanName), (m.IsRoot = 0, m.StartTime, m.SpanId))) AS Name,
    if(max(m.HasTimes) = 1, minIf(m.StartTime, m.HasTimes = 1), min(m.StartTime)) AS StartTime,
    if(max(m.HasTimes) = 1, maxIf(m.EndTime, m.HasTimes = 1), max(m.EndTime)) AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    argMinIf(m.UserId, (m.IsRoot = 0, m.StartTime, m.SpanId), m.UserId != '') AS UserId,
    count() AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    if(max(m.TraceInput) != '', argMinIf(m.TraceInput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceInput != ''), argMinIf(m.Input, (m.IsRoot = 0, m.StartTime, m.SpanId), m.Input != '')) AS Input,
    if(max(m.TraceOutput) != '', argMinIf(m.TraceOutput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceOutput != ''), argMaxIf(m.Output, (m.IsRoot, m.EndTime, m.SpanId), m.Output != '')) AS Output,
    arraySort(groupUniqArrayIf(toString(m.Model), m.Model != '')) AS Models,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_members AS m
GROUP BY
    Project,
    SessionId,
    TraceId
ORDER BY
    Project ASC,
    SessionId ASC,
    StartTime ASC,
    TraceId ASC

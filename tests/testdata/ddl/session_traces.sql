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
    multiIf(maxIf(m.TraceName, m.IsSpan = 0) != '', argMaxIf(toString(m.TraceName), (m.StartTime, m.SpanId), (m.TraceName != '') AND (m.IsSpan = 0)), max(m.TraceName) != '', argMinIf(toString(m.TraceName), (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceName != ''), argMinIf(toString(m.SpanName), (m.IsRoot = 0, m.StartTime, m.SpanId), m.IsSpan = 1)) AS Name,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1, minIf(m.StartTime, (m.HasTimes = 1) AND (m.IsSpan = 1)), minIf(m.StartTime, m.IsSpan = 1)) AS StartTime,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1, maxIf(m.EndTime, (m.HasTimes = 1) AND (m.IsSpan = 1)), maxIf(m.EndTime, m.IsSpan = 1)) AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    if(maxIf(m.UserId, m.IsSpan = 0) != '', argMaxIf(m.UserId, (m.StartTime, m.SpanId), (m.UserId != '') AND (m.IsSpan = 0)), argMinIf(m.UserId, (m.IsRoot = 0, m.StartTime, m.SpanId), m.UserId != '')) AS UserId,
    countIf(m.IsSpan = 1) AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    multiIf(maxIf(m.TraceInput, m.IsSpan = 0) != '', argMaxIf(m.TraceInput, (m.StartTime, m.SpanId), (m.TraceInput != '') AND (m.IsSpan = 0)), max(m.TraceInput) != '', argMinIf(m.TraceInput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceInput != ''), argMinIf(m.Input, (m.IsRoot = 0, m.StartTime, m.SpanId), m.Input != '')) AS Input,
    multiIf(maxIf(m.TraceOutput, m.IsSpan = 0) != '', argMaxIf(m.TraceOutput, (m.StartTime, m.SpanId), (m.TraceOutput != '') AND (m.IsSpan = 0)), max(m.TraceOutput) != '', argMinIf(m.TraceOutput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceOutput != ''), argMaxIf(m.Output, (m.IsRoot, m.EndTime, m.SpanId), m.Output != '')) AS Output,
    arraySort(groupUniqArrayIf(toString(m.Model), m.Model != '')) AS Models,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_rows AS m
GROUP BY
    Project,
    SessionId,
    TraceId
HAVING SpanCount > 0
ORDER BY
    Project ASC,
    SessionId ASC,
    StartTime ASC,
    TraceId ASC

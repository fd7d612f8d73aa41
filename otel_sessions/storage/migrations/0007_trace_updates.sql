-- What clients say of a trace apart from its spans arrives as a span of the name `otel_sessions.trace_update`. Its claim
-- is one like any other; it adds user, tags, environment, names and previews to what users read, and counts nowhere.

-- The rule "What a session is" over everything that was received.
CREATE OR REPLACE VIEW session_rows AS
SELECT c.*, claims.Best AS Best, c.SpanName != 'otel_sessions.trace_update' AS IsSpan
FROM session_candidates AS c FINAL
INNER JOIN
(
    SELECT Project, SessionId, TraceId, min(Best) AS Best
    FROM session_claims
    GROUP BY Project, SessionId, TraceId
) AS claims ON claims.Project = c.Project AND claims.SessionId = c.SessionId AND claims.TraceId = c.TraceId
WHERE if(c.ClaimLevel = claims.Best.Level, c.ClaimId = c.SessionId, c.SessionId = claims.Best.Id);

-- The spans of each session, narrow.
CREATE OR REPLACE VIEW session_members AS
SELECT * EXCEPT (IsSpan)
FROM session_rows
WHERE IsSpan = 1;

-- Spans whose times make no sense count, but do not stretch a session that has others.
CREATE OR REPLACE VIEW sessions AS
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1,
        minIf(m.StartTime, m.HasTimes = 1 AND m.IsSpan = 1), minIf(m.StartTime, m.IsSpan = 1)) AS StartTime,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1,
        maxIf(m.EndTime, m.HasTimes = 1 AND m.IsSpan = 1), maxIf(m.EndTime, m.IsSpan = 1)) AS EndTime,
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
GROUP BY Project, SessionId
HAVING SpanCount > 0
ORDER BY Project, SessionId;

-- A session's turns. What the latest update says comes before what spans say; then the client's name, else the root
-- span's, else the first span's.
CREATE OR REPLACE VIEW session_traces AS
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.TraceId AS TraceId,
    multiIf(
        maxIf(m.TraceName, m.IsSpan = 0) != '',
        argMaxIf(toString(m.TraceName), (m.StartTime, m.SpanId), m.TraceName != '' AND m.IsSpan = 0),
        max(m.TraceName) != '',
        argMinIf(toString(m.TraceName), (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceName != ''),
        argMinIf(toString(m.SpanName), (m.IsRoot = 0, m.StartTime, m.SpanId), m.IsSpan = 1)) AS Name,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1,
        minIf(m.StartTime, m.HasTimes = 1 AND m.IsSpan = 1), minIf(m.StartTime, m.IsSpan = 1)) AS StartTime,
    if(maxIf(m.HasTimes, m.IsSpan = 1) = 1,
        maxIf(m.EndTime, m.HasTimes = 1 AND m.IsSpan = 1), maxIf(m.EndTime, m.IsSpan = 1)) AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    if(maxIf(m.UserId, m.IsSpan = 0) != '',
        argMaxIf(m.UserId, (m.StartTime, m.SpanId), m.UserId != '' AND m.IsSpan = 0),
        argMinIf(m.UserId, (m.IsRoot = 0, m.StartTime, m.SpanId), m.UserId != '')) AS UserId,
    countIf(m.IsSpan = 1) AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    multiIf(
        maxIf(m.TraceInput, m.IsSpan = 0) != '',
        argMaxIf(m.TraceInput, (m.StartTime, m.SpanId), m.TraceInput != '' AND m.IsSpan = 0),
        max(m.TraceInput) != '',
        argMinIf(m.TraceInput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceInput != ''),
        argMinIf(m.Input, (m.IsRoot = 0, m.StartTime, m.SpanId), m.Input != '')) AS Input,
    multiIf(
        maxIf(m.TraceOutput, m.IsSpan = 0) != '',
        argMaxIf(m.TraceOutput, (m.StartTime, m.SpanId), m.TraceOutput != '' AND m.IsSpan = 0),
        max(m.TraceOutput) != '',
        argMinIf(m.TraceOutput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceOutput != ''),
        argMaxIf(m.Output, (m.IsRoot, m.EndTime, m.SpanId), m.Output != '')) AS Output,
    arraySort(groupUniqArrayIf(toString(m.Model), m.Model != '')) AS Models,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_rows AS m
GROUP BY Project, SessionId, TraceId
HAVING SpanCount > 0
ORDER BY Project, SessionId, StartTime, TraceId;

-- What users read. Every figure is a function of the set of spans: arrays are sorted, ties are broken by span id, costs
-- are added as decimals. A condition on Project and SessionId reaches the sort keys below.

-- The spans of each session, narrow: the contract's rule "What a session is", once.
CREATE OR REPLACE VIEW session_members AS
SELECT c.*, claims.Best AS Best
FROM session_candidates AS c FINAL
INNER JOIN
(
    SELECT Project, SessionId, TraceId, min(Best) AS Best
    FROM session_claims
    GROUP BY Project, SessionId, TraceId
) AS claims ON claims.Project = c.Project AND claims.SessionId = c.SessionId AND claims.TraceId = c.TraceId
WHERE if(c.ClaimLevel = claims.Best.Level, c.ClaimId = c.SessionId, c.SessionId = claims.Best.Id);

-- Spans whose times make no sense count, but do not stretch a session that has others.
CREATE OR REPLACE VIEW sessions AS
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    if(max(m.HasTimes) = 1, minIf(m.StartTime, m.HasTimes = 1), min(m.StartTime)) AS StartTime,
    if(max(m.HasTimes) = 1, maxIf(m.EndTime, m.HasTimes = 1), max(m.EndTime)) AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    uniqExact(m.TraceId) AS TraceCount,
    count() AS SpanCount,
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
FROM session_members AS m
GROUP BY Project, SessionId
ORDER BY Project, SessionId;

-- A session's turns. The name is the client's, else the root span's, else the first span's.
CREATE OR REPLACE VIEW session_traces AS
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.TraceId AS TraceId,
    if(max(m.TraceName) != '',
        argMinIf(toString(m.TraceName), (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceName != ''),
        argMin(toString(m.SpanName), (m.IsRoot = 0, m.StartTime, m.SpanId))) AS Name,
    if(max(m.HasTimes) = 1, minIf(m.StartTime, m.HasTimes = 1), min(m.StartTime)) AS StartTime,
    if(max(m.HasTimes) = 1, maxIf(m.EndTime, m.HasTimes = 1), max(m.EndTime)) AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    argMinIf(m.UserId, (m.IsRoot = 0, m.StartTime, m.SpanId), m.UserId != '') AS UserId,
    count() AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    if(max(m.TraceInput) != '',
        argMinIf(m.TraceInput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceInput != ''),
        argMinIf(m.Input, (m.IsRoot = 0, m.StartTime, m.SpanId), m.Input != '')) AS Input,
    if(max(m.TraceOutput) != '',
        argMinIf(m.TraceOutput, (m.IsRoot = 0, m.StartTime, m.SpanId), m.TraceOutput != ''),
        argMaxIf(m.Output, (m.IsRoot, m.EndTime, m.SpanId), m.Output != '')) AS Output,
    arraySort(groupUniqArrayIf(toString(m.Model), m.Model != '')) AS Models,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_members AS m
GROUP BY Project, SessionId, TraceId
ORDER BY Project, SessionId, StartTime, TraceId;

-- The minute of a span is that of its start.
CREATE OR REPLACE VIEW session_timeline AS
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    fromUnixTimestamp64Nano(
        intDiv(toUnixTimestamp64Nano(m.StartTime), 60000000000) * 60000000000, 'UTC') AS Minute,
    uniqExact(m.TraceId) AS TraceCount,
    count() AS SpanCount,
    countIf(m.IsError = 1) AS ErrorCount,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM session_members AS m
GROUP BY Project, SessionId, Minute
ORDER BY Project, SessionId, Minute;

-- The spans of each session, whole, each once.
CREATE OR REPLACE VIEW session_spans AS
SELECT
    t.SessionHint AS SessionId,
    multiIf(m.ClaimLevel != m.Best.Level, 'trace', m.ClaimLevel IN (1, 3), 'span', 'resource') AS SessionSource,
    t.Timestamp AS Timestamp, t.TraceId AS TraceId, t.SpanId AS SpanId, t.ParentSpanId AS ParentSpanId,
    t.TraceState AS TraceState, t.SpanName AS SpanName, t.SpanKind AS SpanKind, t.ServiceName AS ServiceName,
    t.ResourceAttributes AS ResourceAttributes, t.ScopeName AS ScopeName, t.ScopeVersion AS ScopeVersion,
    t.SpanAttributes AS SpanAttributes, t.Duration AS Duration, t.StatusCode AS StatusCode,
    t.StatusMessage AS StatusMessage,
    t.`Events.Timestamp` AS `Events.Timestamp`, t.`Events.Name` AS `Events.Name`,
    t.`Events.Attributes` AS `Events.Attributes`,
    t.`Links.TraceId` AS `Links.TraceId`, t.`Links.SpanId` AS `Links.SpanId`,
    t.`Links.TraceState` AS `Links.TraceState`, t.`Links.Attributes` AS `Links.Attributes`,
    t.Flags AS Flags, t.ResourceSchemaUrl AS ResourceSchemaUrl,
    t.ResourceDroppedAttributesCount AS ResourceDroppedAttributesCount,
    t.ScopeAttributes AS ScopeAttributes, t.ScopeSchemaUrl AS ScopeSchemaUrl,
    t.ScopeDroppedAttributesCount AS ScopeDroppedAttributesCount,
    t.DroppedAttributesCount AS DroppedAttributesCount,
    t.`Events.DroppedAttributesCount` AS `Events.DroppedAttributesCount`, t.DroppedEventsCount AS DroppedEventsCount,
    t.`Links.DroppedAttributesCount` AS `Links.DroppedAttributesCount`, t.`Links.Flags` AS `Links.Flags`,
    t.DroppedLinksCount AS DroppedLinksCount,
    t.StartTimeUnixNano AS StartTimeUnixNano, t.EndTimeUnixNano AS EndTimeUnixNano,
    t.Project AS Project, t.IsRoot AS IsRoot,
    t.ClaimLevel AS ClaimLevel, t.ClaimId AS ClaimId, t.ClaimKey AS ClaimKey,
    t.UserId AS UserId, t.Environment AS Environment, t.TraceName AS TraceName, t.Tags AS Tags, t.Model AS Model,
    t.InputTokens AS InputTokens, t.OutputTokens AS OutputTokens, t.TotalTokens AS TotalTokens, t.Cost AS Cost,
    t.Input AS Input, t.Output AS Output, t.TraceInput AS TraceInput, t.TraceOutput AS TraceOutput
FROM
(
    SELECT * FROM otel_traces WHERE SessionHint != ''
    UNION ALL
    SELECT * FROM otel_traces_moved
) AS t
ANY INNER JOIN session_members AS m
    ON m.Project = t.Project AND m.SessionId = t.SessionHint AND m.TraceId = t.TraceId AND m.SpanId = t.SpanId
    AND m.Version = t.Version;

-- The times of a trace, as Grafana's and HyperDX's trace views look them up; nanoseconds kept.
CREATE OR REPLACE VIEW otel_traces_trace_id_ts AS
SELECT TraceId, min(t.Start) AS Start, max(t.End) AS End
FROM trace_claims AS t
GROUP BY TraceId;

-- For attribution: each trace with its best claim, whether spans of it were stored with another claim in mind or under
-- another session, and under how many sessions its spans stand.
CREATE OR REPLACE VIEW trace_attribution AS
SELECT
    Project,
    TraceId,
    best AS Best,
    places AS Places,
    arrayExists(p -> p.Best != best OR p.SessionId != if(p.ClaimLevel = best.Level, p.ClaimId, best.Id), places) AS IsStale,
    length(arrayDistinct(arrayMap(p -> p.SessionId, places))) AS Sessions
FROM
(
    SELECT Project, TraceId, min(t.Best) AS best, groupUniqArrayArray(t.Places) AS places
    FROM trace_claims AS t
    GROUP BY Project, TraceId
);

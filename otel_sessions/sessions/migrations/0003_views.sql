-- What users read. Every figure is a function of the set of spans: arrays are sorted, ties are broken by span id, costs
-- are added as decimals. A condition on Project and SessionId reaches the sort keys below.
--
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

-- The spans of each session, whole, each once. The columns are named, so that a later migration may add one to each table
-- in turn.
CREATE OR REPLACE VIEW session_spans AS
SELECT
    t.SessionHint AS SessionId,
    multiIf(m.ClaimLevel != m.Best.Level, 'trace', m.ClaimLevel IN (1, 3), 'span', 'resource') AS SessionSource,
    t.* EXCEPT (SessionHint, Version)
FROM
(
    SELECT
        SessionHint, Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName,
        ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage,
        `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`,
        `Links.Attributes`, Flags, ResourceSchemaUrl, ResourceDroppedAttributesCount, ScopeAttributes,
        ScopeSchemaUrl, ScopeDroppedAttributesCount, DroppedAttributesCount, `Events.DroppedAttributesCount`,
        DroppedEventsCount, `Links.DroppedAttributesCount`, `Links.Flags`, DroppedLinksCount, StartTimeUnixNano,
        EndTimeUnixNano, Project, IsRoot, ClaimLevel, ClaimId, ClaimKey, UserId, Environment, TraceName, Tags, Model,
        InputTokens, OutputTokens, TotalTokens, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, Cost,
        CostSource, Input, Output, TraceInput, TraceOutput, Version
    FROM otel_traces
    WHERE SessionHint != ''
    UNION ALL
    SELECT
        SessionHint, Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName,
        ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage,
        `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`,
        `Links.Attributes`, Flags, ResourceSchemaUrl, ResourceDroppedAttributesCount, ScopeAttributes,
        ScopeSchemaUrl, ScopeDroppedAttributesCount, DroppedAttributesCount, `Events.DroppedAttributesCount`,
        DroppedEventsCount, `Links.DroppedAttributesCount`, `Links.Flags`, DroppedLinksCount, StartTimeUnixNano,
        EndTimeUnixNano, Project, IsRoot, ClaimLevel, ClaimId, ClaimKey, UserId, Environment, TraceName, Tags, Model,
        InputTokens, OutputTokens, TotalTokens, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, Cost,
        CostSource, Input, Output, TraceInput, TraceOutput, Version
    FROM otel_traces_moved
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
    length(arrayDistinct(arrayMap(p -> p.SessionId, places))) AS Sessions,
    start AS Start,
    end AS End
FROM
(
    SELECT
        Project, TraceId, min(t.Best) AS best, groupUniqArrayArray(t.Places) AS places,
        min(t.Start) AS start, max(t.End) AS end
    FROM trace_claims AS t
    GROUP BY Project, TraceId
);

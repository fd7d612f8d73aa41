-- Tokens that are parts of the input and output of a model call, and where its cost is from. Both tables have their columns
-- in one order: session_spans reads them as one.
ALTER TABLE otel_traces
    ADD COLUMN IF NOT EXISTS CachedInputTokens UInt64 CODEC(ZSTD(1)) AFTER TotalTokens,
    ADD COLUMN IF NOT EXISTS CacheCreationInputTokens UInt64 CODEC(ZSTD(1)) AFTER CachedInputTokens,
    ADD COLUMN IF NOT EXISTS ReasoningTokens UInt64 CODEC(ZSTD(1)) AFTER CacheCreationInputTokens,
    ADD COLUMN IF NOT EXISTS CostSource LowCardinality(String) CODEC(ZSTD(1)) AFTER Cost;

ALTER TABLE otel_traces_moved
    ADD COLUMN IF NOT EXISTS CachedInputTokens UInt64 CODEC(ZSTD(1)) AFTER TotalTokens,
    ADD COLUMN IF NOT EXISTS CacheCreationInputTokens UInt64 CODEC(ZSTD(1)) AFTER CachedInputTokens,
    ADD COLUMN IF NOT EXISTS ReasoningTokens UInt64 CODEC(ZSTD(1)) AFTER CacheCreationInputTokens,
    ADD COLUMN IF NOT EXISTS CostSource LowCardinality(String) CODEC(ZSTD(1)) AFTER Cost;

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
    t.InputTokens AS InputTokens, t.OutputTokens AS OutputTokens, t.TotalTokens AS TotalTokens,
    t.CachedInputTokens AS CachedInputTokens, t.CacheCreationInputTokens AS CacheCreationInputTokens,
    t.ReasoningTokens AS ReasoningTokens, t.Cost AS Cost, t.CostSource AS CostSource,
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

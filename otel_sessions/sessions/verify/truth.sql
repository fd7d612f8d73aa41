-- What a session is, from the facts in `otel_traces` alone: of each span that belongs to a session among the sessions in
-- question, the figures of its greatest version, and the session that the rule gives it (docs/processors_session.md).
--
-- The best claim is the one of the versions that count.
WITH
claimed AS
(
    SELECT DISTINCT Project, TraceId
${../parts/claims_to_verify}
        AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, ClaimId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
),
spans AS
(
    SELECT
        s.Project AS Project, s.TraceId AS TraceId, s.SpanId AS SpanId, s.ClaimLevel AS ClaimLevel, s.ClaimId AS ClaimId,
        s.IsRoot AS IsRoot, s.StartTimeUnixNano AS StartTimeUnixNano, s.SpanName != 'otel_sessions.trace_update' AS IsSpan,
        toUInt64(s.StatusCode = 'Error') AS ErrorCount,
        s.StartTimeUnixNano > 0 AND s.StartTimeUnixNano < 9223372036854775807 AS HasTimes,
        s.Timestamp AS StartTime,
        if(HasTimes AND s.EndTimeUnixNano > s.StartTimeUnixNano AND s.EndTimeUnixNano < 9223372036854775807,
            fromUnixTimestamp64Nano(toInt64(s.EndTimeUnixNano), 'UTC'), s.Timestamp) AS EndTime,
        s.InputTokens AS InputTokens, s.OutputTokens AS OutputTokens, s.TotalTokens AS TotalTokens, s.Cost AS Cost,
        s.CachedInputTokens AS CachedInputTokens, s.CacheCreationInputTokens AS CacheCreationInputTokens,
        s.ReasoningTokens AS ReasoningTokens, toUInt64(s.IsModelCall) AS ModelCalls,
        toUInt64(s.IsUnpriced) AS UnpricedCalls, toUInt64(s.IsToolCall) AS ToolCalls,
${../parts/version}
        AS Version
    FROM otel_traces AS s
    WHERE (s.Project, s.TraceId) IN (SELECT Project, TraceId FROM claimed)
    ORDER BY Version DESC
    LIMIT 1 BY Project, TraceId, SpanId
),
claims AS
(
    SELECT Project, TraceId, min((ClaimLevel, toUInt8(IsRoot = 0), StartTimeUnixNano, ClaimId)) AS Best
    FROM spans
    WHERE ClaimLevel < 9
    GROUP BY Project, TraceId
),
truth AS
(
    SELECT
        s.* EXCEPT (ClaimLevel, ClaimId, IsRoot, StartTimeUnixNano, IsSpan),
        if(claims.Best.1 <= 2 AND s.ClaimLevel = claims.Best.1, s.ClaimId, claims.Best.4) AS SessionId
    FROM spans AS s
    INNER JOIN claims ON claims.Project = s.Project AND claims.TraceId = s.TraceId
    WHERE s.IsSpan AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
)

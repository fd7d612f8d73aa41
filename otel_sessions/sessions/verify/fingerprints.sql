-- The sessions that may differ from the truth, by one number a session on either side: the sum of a hash of each figure
-- and each span. Spans of which versions differ are looked at closer, whatever the numbers say.
WITH
claimed AS
(
    SELECT DISTINCT cityHash64(Project, TraceId) AS Trace
${../parts/claims_to_verify}
),
claims AS
(
    SELECT
        cityHash64(c.Project, c.TraceId) AS Trace, any(c.Project) AS Project,
        min((c.ClaimLevel, toUInt8(c.IsRoot = 0), c.StartTimeUnixNano, c.ClaimId)) AS Best
    FROM otel_traces AS c
    WHERE c.ClaimLevel < 9 AND Trace IN (SELECT Trace FROM claimed)
    GROUP BY Trace
),
versions AS
(
    SELECT
        cityHash64(s.Project, s.TraceId) AS Trace, cityHash64(s.TraceId, s.SpanId) AS Span, s.ClaimLevel AS ClaimLevel, s.ClaimId AS ClaimId,
        toUInt64(s.StatusCode = 'Error') AS ErrorCount,
        s.StartTimeUnixNano > 0 AND s.StartTimeUnixNano < 9223372036854775807 AS HasTimes,
        s.Timestamp AS StartTime,
        if(HasTimes AND s.EndTimeUnixNano > s.StartTimeUnixNano AND s.EndTimeUnixNano < 9223372036854775807,
            fromUnixTimestamp64Nano(toInt64(s.EndTimeUnixNano), 'UTC'), s.Timestamp) AS EndTime,
        s.InputTokens AS InputTokens, s.OutputTokens AS OutputTokens, s.TotalTokens AS TotalTokens, s.Cost AS Cost,
        s.CachedInputTokens AS CachedInputTokens, s.CacheCreationInputTokens AS CacheCreationInputTokens,
        s.ReasoningTokens AS ReasoningTokens, toUInt64(s.IsModelCall) AS ModelCalls,
        toUInt64(s.IsUnpriced) AS UnpricedCalls, toUInt64(s.IsToolCall) AS ToolCalls,
        cityHash64(ClaimLevel, ClaimId, s.IsRoot, s.SpanName, s.TraceName, s.ServiceName, s.UserId, s.Environment, s.Model, s.Tags,
            s.InputKey, s.InputText, s.OutputKey, s.OutputText, s.TraceInput, s.TraceOutput, ErrorCount, HasTimes, StartTime, EndTime, InputTokens, OutputTokens, TotalTokens, Cost, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, ModelCalls, UnpricedCalls, ToolCalls) AS Content
    FROM otel_traces AS s
    WHERE Trace IN (SELECT Trace FROM claimed) AND s.SpanName != 'otel_sessions.trace_update'
),
spans AS
(
    SELECT
        Trace, Span, any(v.ClaimLevel) AS ClaimLevel, any(v.ClaimId) AS ClaimId, min(v.Content) != max(v.Content) AS IsTwin,
        any(v.ErrorCount) AS ErrorCount,
        any(v.HasTimes) AS HasTimes,
        any(v.StartTime) AS StartTime,
        any(v.EndTime) AS EndTime,
        any(v.InputTokens) AS InputTokens,
        any(v.OutputTokens) AS OutputTokens,
        any(v.TotalTokens) AS TotalTokens,
        any(v.Cost) AS Cost,
        any(v.CachedInputTokens) AS CachedInputTokens,
        any(v.CacheCreationInputTokens) AS CacheCreationInputTokens,
        any(v.ReasoningTokens) AS ReasoningTokens,
        any(v.ModelCalls) AS ModelCalls,
        any(v.UnpricedCalls) AS UnpricedCalls,
        any(v.ToolCalls) AS ToolCalls
    FROM versions AS v
    GROUP BY Trace, Span
),
groups AS
(
    -- Few, so that what follows is cheap: one of a trace with one claim and less than a minute.
    SELECT
        Trace, s.ClaimLevel AS ClaimLevel, cityHash64(s.ClaimId) AS Claim,
        intDiv(toUnixTimestamp64Nano(s.StartTime), 60000000000) AS Minute,
        any(s.ClaimId) AS ClaimId, max(s.IsTwin) AS IsTwin, count() AS SpanCount,
        sum(s.ErrorCount) AS ErrorCount,
        sum(s.InputTokens) AS InputTokens,
        sum(s.OutputTokens) AS OutputTokens,
        sum(s.TotalTokens) AS TotalTokens,
        sum(s.Cost) AS Cost,
        sum(s.CachedInputTokens) AS CachedInputTokens,
        sum(s.CacheCreationInputTokens) AS CacheCreationInputTokens,
        sum(s.ReasoningTokens) AS ReasoningTokens,
        sum(s.ModelCalls) AS ModelCalls,
        sum(s.UnpricedCalls) AS UnpricedCalls,
        sum(s.ToolCalls) AS ToolCalls,
        max(s.HasTimes) AS HasTimes,
        minIf(s.StartTime, s.HasTimes = 1) AS TimedStart, min(s.StartTime) AS AnyStart,
        maxIf(s.EndTime, s.HasTimes = 1) AS TimedEnd, max(s.EndTime) AS AnyEnd,
        sum(cityHash64('listed', s.Span)) AS Spans
    FROM spans AS s
    GROUP BY Trace, ClaimLevel, Claim, Minute
),
turns AS
(
    SELECT
        g.*, claims.Project AS Project,
        if(claims.Best.1 <= 2 AND g.ClaimLevel = claims.Best.1, g.ClaimId, claims.Best.4) AS SessionId
    FROM groups AS g
    INNER JOIN claims ON claims.Trace = g.Trace
    WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
),
figures AS
(
    SELECT
        Project, SessionId, View, Part, sum(t.Spans) AS Spans, max(t.IsTwin) AS IsTwin,
        if(View = 'session_timeline',
            cityHash64(View, Part, uniqExact(t.Trace), sum(t.SpanCount), sum(t.ErrorCount), sum(t.InputTokens), sum(t.OutputTokens), sum(t.TotalTokens), toFloat64(sum(t.Cost))),
            cityHash64(View, Part, uniqExact(t.Trace), sum(t.SpanCount), sum(t.ErrorCount), sum(t.InputTokens), sum(t.OutputTokens), sum(t.TotalTokens), toFloat64(sum(t.Cost)), sum(t.CachedInputTokens), sum(t.CacheCreationInputTokens), sum(t.ReasoningTokens), sum(t.ModelCalls), sum(t.UnpricedCalls), sum(t.ToolCalls),
                toUnixTimestamp64Nano(if(max(t.HasTimes) = 1, minIf(t.TimedStart, t.HasTimes = 1), min(t.AnyStart))),
                toUnixTimestamp64Nano(if(max(t.HasTimes) = 1, maxIf(t.TimedEnd, t.HasTimes = 1), max(t.AnyEnd))))) AS Figures
    FROM turns AS t
    ARRAY JOIN
        ['session_traces', 'sessions', 'session_timeline'] AS View,
        [t.Trace, toUInt64(0), toUInt64(t.Minute)] AS Part
    WHERE {all:UInt8} = 1 OR View = 'session_traces'
    GROUP BY Project, SessionId, View, Part
)
SELECT Project, SessionId
FROM
(
    SELECT
        'truth' AS Side, Project, SessionId,
        sumIf(f.Spans, View = 'session_traces') + sum(f.Figures) AS Fingerprint, max(f.IsTwin) AS IsTwin
    FROM figures AS f
    GROUP BY Project, SessionId
    UNION ALL
    SELECT
        'views' AS Side, Project, SessionId,
        sum(cityHash64('listed', cityHash64(TraceId, SpanId))) AS Fingerprint, 0 AS IsTwin
    FROM session_spans
    WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
    GROUP BY Project, SessionId
    UNION ALL
    SELECT
        'views' AS Side, Project, SessionId,
        cityHash64('sessions', toUInt64(0), TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, ModelCalls, UnpricedCalls, ToolCalls,
            toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime)) AS Fingerprint, 0 AS IsTwin
    FROM sessions
    WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
    UNION ALL
    SELECT
        'views' AS Side, Project, SessionId,
        sum(cityHash64('session_traces', cityHash64(Project, TraceId), toUInt64(1), SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, ModelCalls, UnpricedCalls, ToolCalls,
            toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime))) AS Fingerprint, 0 AS IsTwin
    FROM session_traces
    WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
    GROUP BY Project, SessionId
    UNION ALL
    SELECT
        'views' AS Side, Project, SessionId,
        sum(cityHash64('session_timeline', toUInt64(intDiv(toUnixTimestamp64Nano(Minute), 60000000000)), TraceCount,
            SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost)) AS Fingerprint, 0 AS IsTwin
    FROM session_timeline
    WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
    GROUP BY Project, SessionId
)
GROUP BY Project, SessionId
HAVING sumIf(Fingerprint, Side = 'truth') != sumIf(Fingerprint, Side = 'views') OR max(IsTwin)
ORDER BY Project, SessionId

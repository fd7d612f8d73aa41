-- The sessions that may differ. Of each session one number adds up what the stored spans say, by the rule of truth.sql,
-- and one what is said of it: a hash of 64 bits for each member, for each row of session_spans, and for each row of the
-- views' figures. Traces and spans go by hashes too, cheap to group by. Where the numbers are equal so is what
-- is said, unless hashes meet by chance. Where rows of one version differ, a session may be named without need.
WITH
claimed AS
(
    SELECT DISTINCT cityHash64(Project, TraceId) AS Trace
    FROM otel_traces
    WHERE ClaimLevel < 9 AND ClaimId >= {low:String} AND ({last:UInt8} = 1 OR ClaimId < {high:String})
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
),
claims AS
(
    SELECT
        cityHash64(c.Project, c.TraceId) AS Trace, any(c.Project) AS Project,
        min((ClaimLevel, toUInt8(IsRoot = 0), StartTimeUnixNano, ClaimId)) AS Best
    FROM otel_traces AS c
    WHERE ClaimLevel < 9 AND Trace IN (SELECT Trace FROM claimed)
    GROUP BY Trace
),
versions AS
(
    SELECT
        cityHash64(Project, TraceId) AS Trace, cityHash64(TraceId, SpanId) AS Span, Version, ClaimLevel, ClaimId,
        StatusCode = 'Error' AS IsError,
        StartTimeUnixNano > 0 AND StartTimeUnixNano < 9223372036854775807 AS HasTimes,
        Timestamp AS StartTime,
        if(HasTimes AND EndTimeUnixNano > StartTimeUnixNano AND EndTimeUnixNano < 9223372036854775807,
            fromUnixTimestamp64Nano(toInt64(EndTimeUnixNano), 'UTC'), Timestamp) AS EndTime,
        InputTokens, OutputTokens, TotalTokens, Cost,
        cityHash64(
            Version, ClaimLevel, ClaimId, IsRoot, IsError, HasTimes, StartTime, EndTime, SpanName, TraceName,
            ServiceName, UserId, Environment, Model, Tags, InputTokens, OutputTokens, TotalTokens, Cost, Input, Output,
            TraceInput, TraceOutput) AS Content
    FROM otel_traces
    WHERE Trace IN (SELECT Trace FROM claimed) AND SpanName != 'otel_sessions.trace_update'
),
spans AS
(
    SELECT
        Trace, Span,
        argMax(v.ClaimLevel, v.Version) AS ClaimLevel, argMax(v.ClaimId, v.Version) AS ClaimId,
        argMax(v.IsError, v.Version) AS IsError, argMax(v.HasTimes, v.Version) AS HasTimes,
        argMax(v.StartTime, v.Version) AS StartTime, argMax(v.EndTime, v.Version) AS EndTime,
        argMax(v.InputTokens, v.Version) AS InputTokens, argMax(v.OutputTokens, v.Version) AS OutputTokens,
        argMax(v.TotalTokens, v.Version) AS TotalTokens, argMax(v.Cost, v.Version) AS Cost,
        argMax(v.Content, v.Version) AS Content
    FROM versions AS v
    GROUP BY Trace, Span
),
groups AS
(
    -- Few, so that what follows is cheap: one of a trace with one claim and less than a minute.
    SELECT
        Trace, s.ClaimLevel AS ClaimLevel, cityHash64(s.ClaimId) AS Claim,
        intDiv(toUnixTimestamp64Nano(s.StartTime), 60000000000) AS Minute,
        any(s.ClaimId) AS ClaimId,
        count() AS SpanCount, countIf(s.IsError = 1) AS ErrorCount,
        sum(s.InputTokens) AS InputTokens, sum(s.OutputTokens) AS OutputTokens, sum(s.TotalTokens) AS TotalTokens,
        sum(s.Cost) AS Cost,
        max(s.HasTimes) AS HasTimes,
        minIf(s.StartTime, s.HasTimes = 1) AS TimedStart, min(s.StartTime) AS AnyStart,
        maxIf(s.EndTime, s.HasTimes = 1) AS TimedEnd, max(s.EndTime) AS AnyEnd,
        sum(cityHash64('member', s.Span, s.Content)) + sum(cityHash64('listed', s.Span)) AS Spans
    FROM spans AS s
    GROUP BY Trace, ClaimLevel, Claim, Minute
),
turns AS
(
    SELECT
        g.*, claims.Project AS Project, if(g.ClaimLevel = claims.Best.1, g.ClaimId, claims.Best.4) AS SessionId
    FROM groups AS g
    INNER JOIN claims ON claims.Trace = g.Trace
    WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
),
figures AS
(
    SELECT
        Project, SessionId, View, Part, sum(t.Spans) AS Spans,
        cityHash64(
            View, Part, uniqExact(t.Trace), sum(t.SpanCount), sum(t.ErrorCount), sum(t.InputTokens),
            sum(t.OutputTokens), if(View = 'session_timeline', 0, sum(t.TotalTokens)), toFloat64(sum(t.Cost)),
            if(View = 'session_timeline', 0, toUnixTimestamp64Nano(
                if(max(t.HasTimes) = 1, minIf(t.TimedStart, t.HasTimes = 1), min(t.AnyStart)))),
            if(View = 'session_timeline', 0, toUnixTimestamp64Nano(
                if(max(t.HasTimes) = 1, maxIf(t.TimedEnd, t.HasTimes = 1), max(t.AnyEnd))))) AS Figures
    FROM turns AS t
    ARRAY JOIN
        ['sessions', 'session_traces', 'session_timeline'] AS View,
        [toUInt64(0), t.Trace, toUInt64(t.Minute)] AS Part
    GROUP BY Project, SessionId, View, Part
),
candidates AS
(
    SELECT
        Project, SessionId, TraceId, ClaimLevel, ClaimId = SessionId AS IsOwn,
        sum(cityHash64('member', cityHash64(TraceId, SpanId), cityHash64(
            Version, ClaimLevel, ClaimId, IsRoot, IsError, HasTimes, StartTime, EndTime, SpanName, TraceName,
            ServiceName, UserId, Environment, Model, Tags, InputTokens, OutputTokens, TotalTokens, Cost, Input, Output,
            TraceInput, TraceOutput))) AS Contents
    FROM session_candidates FINAL
    WHERE SpanName != 'otel_sessions.trace_update'
        AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
    GROUP BY Project, SessionId, TraceId, ClaimLevel, IsOwn
),
members AS
(
    -- As session_members has them, which is slower to read with all columns.
    SELECT c.Project AS Project, c.SessionId AS SessionId, c.Contents AS Members
    FROM candidates AS c
    INNER JOIN
    (
        SELECT Project, SessionId, TraceId, min(b.Best) AS Best
        FROM session_claims AS b
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        GROUP BY Project, SessionId, TraceId
    ) AS known ON known.Project = c.Project AND known.SessionId = c.SessionId AND known.TraceId = c.TraceId
    WHERE if(c.ClaimLevel = known.Best.Level, c.IsOwn = 1, c.SessionId = known.Best.Id)
)
SELECT Project, SessionId
FROM
(
    SELECT
        'truth' AS Side, Project, SessionId,
        sumIf(f.Spans, View = 'sessions') + sumIf(f.Figures, {all:UInt8} = 1) AS Fingerprint
    FROM figures AS f
    GROUP BY Project, SessionId
    UNION ALL
    SELECT 'sessions' AS Side, Project, SessionId, sum(m.Members) AS Fingerprint
    FROM members AS m
    GROUP BY Project, SessionId
    UNION ALL
    SELECT
        'sessions' AS Side, Project, SessionId,
        sum(cityHash64('listed', cityHash64(TraceId, SpanId))) AS Fingerprint
    FROM session_spans
    WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
    GROUP BY Project, SessionId
    UNION ALL
    SELECT
        'sessions' AS Side, Project, SessionId,
        cityHash64('sessions', toUInt64(0), TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens,
            Cost, toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime)) AS Fingerprint
    FROM sessions
    WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
    UNION ALL
    SELECT
        'sessions' AS Side, Project, SessionId,
        sum(cityHash64('session_traces', cityHash64(Project, TraceId), toUInt64(1), SpanCount, ErrorCount, InputTokens,
            OutputTokens, TotalTokens, Cost, toUnixTimestamp64Nano(StartTime),
            toUnixTimestamp64Nano(EndTime))) AS Fingerprint
    FROM session_traces
    WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
    GROUP BY Project, SessionId
    UNION ALL
    SELECT
        'sessions' AS Side, Project, SessionId,
        sum(cityHash64('session_timeline', toUInt64(intDiv(toUnixTimestamp64Nano(Minute), 60000000000)), TraceCount,
            SpanCount, ErrorCount, InputTokens, OutputTokens, toUInt64(0), Cost, toInt64(0), toInt64(0))) AS Fingerprint
    FROM session_timeline
    WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
    GROUP BY Project, SessionId
)
GROUP BY Project, SessionId
HAVING sumIf(Fingerprint, Side = 'truth') != sumIf(Fingerprint, Side = 'sessions')
ORDER BY Project, SessionId

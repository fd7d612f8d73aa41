-- What a session is, from the facts in `otel_traces` alone: of each span that belongs to a session among the sessions in
-- question, the figures of its greatest version, and the session that the rule of the contract gives it.
--
-- The best claim is the one of all versions that are stored, as it is everywhere.
WITH
claimed AS
(
    SELECT DISTINCT Project, TraceId
    FROM otel_traces
    WHERE ClaimLevel < 9 AND ClaimId >= {low:String} AND ({last:UInt8} = 1 OR ClaimId < {high:String})
        AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, ClaimId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
),
claims AS
(
    SELECT Project, TraceId, min((ClaimLevel, toUInt8(IsRoot = 0), StartTimeUnixNano, ClaimId)) AS Best
    FROM otel_traces
    WHERE ClaimLevel < 9 AND (Project, TraceId) IN (SELECT Project, TraceId FROM claimed)
    GROUP BY Project, TraceId
),
versions AS
(
    SELECT
        Project, TraceId, SpanId, Version, ClaimLevel, ClaimId, IsRoot,
        StatusCode = 'Error' AS IsError,
        StartTimeUnixNano > 0 AND StartTimeUnixNano < 9223372036854775807 AS HasTimes,
        Timestamp AS StartTime,
        if(HasTimes AND EndTimeUnixNano > StartTimeUnixNano AND EndTimeUnixNano < 9223372036854775807,
            fromUnixTimestamp64Nano(toInt64(EndTimeUnixNano), 'UTC'), Timestamp) AS EndTime,
        SpanName, TraceName, ServiceName, UserId, Environment, Model, Tags,
        InputTokens, OutputTokens, TotalTokens, Cost, Input, Output, TraceInput, TraceOutput,
        cityHash64(
            ClaimLevel, ClaimId, IsRoot, IsError, HasTimes, StartTime, EndTime, SpanName, TraceName, ServiceName, UserId,
            Environment, Model, Tags, InputTokens, OutputTokens, TotalTokens, Cost, Input, Output, TraceInput,
            TraceOutput) AS Content
    FROM otel_traces
    WHERE (Project, TraceId) IN (SELECT Project, TraceId FROM claimed) AND SpanName != 'otel_sessions.trace_update'
),
spans AS
(
    -- Rows of one version may differ where they were stored with other settings of the processor: any of them will do.
    SELECT
        Project, TraceId, SpanId,
        max(v.Version) AS Version,
        argMax(v.ClaimLevel, v.Version) AS ClaimLevel,
        argMax(v.ClaimId, v.Version) AS ClaimId,
        argMax((v.IsError, v.HasTimes, v.StartTime, v.EndTime, v.InputTokens, v.OutputTokens, v.TotalTokens, v.Cost),
            v.Version) AS Figures,
        groupUniqArray((v.Version, v.Content)) AS Contents
    FROM versions AS v
    GROUP BY Project, TraceId, SpanId
),
truth AS
(
    SELECT
        s.Project AS Project,
        if(s.ClaimLevel = claims.Best.1, s.ClaimId, claims.Best.4) AS SessionId,
        s.TraceId AS TraceId, s.SpanId AS SpanId, s.Version AS Version, s.Contents AS Contents,
        s.Figures.1 AS IsError, s.Figures.2 AS HasTimes, s.Figures.3 AS StartTime, s.Figures.4 AS EndTime,
        s.Figures.5 AS InputTokens, s.Figures.6 AS OutputTokens, s.Figures.7 AS TotalTokens, s.Figures.8 AS Cost
    FROM spans AS s
    INNER JOIN claims ON claims.Project = s.Project AND claims.TraceId = s.TraceId
    WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
        AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
)

-- Of a chunk of spans those that are not stored under their right session, nor moved there yet, whole.
INSERT INTO otel_traces_moved
WITH known AS
(
    SELECT Project, TraceId, min(b.Best) AS Best
    FROM {best:Identifier} AS b
    WHERE (Project, TraceId) IN (
        SELECT Project, TraceId
        FROM otel_traces
        WHERE (SessionHint > {low_session:String}
                OR (SessionHint = {low_session:String} AND TraceId >= {low_trace:String}))
            AND ({last:UInt8} = 1 OR SessionHint < {high_session:String}
                OR (SessionHint = {high_session:String} AND TraceId < {high_trace:String}))
            AND ({all:UInt8} = 1 OR (Project, TraceId) IN (SELECT Project, TraceId FROM {best:Identifier})))
    GROUP BY Project, TraceId
    HAVING Best.Level < 9
),
misplaced AS
(
    SELECT
        t.Project AS Project, t.SessionHint AS Place, t.TraceId AS TraceId, t.SpanId AS SpanId, t.Version AS Version,
        if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id) AS SessionId
    FROM otel_traces AS t
    INNER JOIN known ON known.Project = t.Project AND known.TraceId = t.TraceId
    WHERE (t.SessionHint > {low_session:String}
            OR (t.SessionHint = {low_session:String} AND t.TraceId >= {low_trace:String}))
        AND ({last:UInt8} = 1 OR t.SessionHint < {high_session:String}
            OR (t.SessionHint = {high_session:String} AND t.TraceId < {high_trace:String}))
        AND ({all:UInt8} = 1 OR (t.Project, t.TraceId) IN (SELECT Project, TraceId FROM {best:Identifier}))
        AND t.SessionHint != if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id)
)
SELECT t.* REPLACE (
    if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id) AS SessionHint,
    known.Best.Level AS BestLevel,
    known.Best.NotRoot AS BestNotRoot,
    known.Best.Start AS BestStart,
    known.Best.Id AS BestId)
FROM otel_traces AS t
INNER JOIN known ON known.Project = t.Project AND known.TraceId = t.TraceId
WHERE (t.Project, t.SessionHint, t.TraceId, t.SpanId, t.Version) IN (
    SELECT Project, Place, TraceId, SpanId, Version
    FROM misplaced
    WHERE (Project, SessionId, TraceId, SpanId, Version) NOT IN (
        SELECT Project, SessionHint, TraceId, SpanId, Version
        FROM otel_traces_moved
        WHERE (Project, SessionHint, TraceId) IN (SELECT Project, SessionId, TraceId FROM misplaced)))

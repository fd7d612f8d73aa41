-- A chunk of spans, each under the session where it was stored and under its right one, with the best claim of its trace
-- in mind: as if the receiver had known all that is known now. The views of the table it goes to do the rest.
INSERT INTO {stage:Identifier} (COLUMNS_THAT_VIEWS_READ)
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
)
SELECT COLUMNS_THAT_VIEWS_READ
FROM
(
    SELECT t.* REPLACE (
        arrayJoin(arrayDistinct([
            t.SessionHint,
            if(known.Best.Level = 9, t.SessionHint, if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id))
        ])) AS SessionHint,
        known.Best.Level AS BestLevel,
        known.Best.NotRoot AS BestNotRoot,
        known.Best.Start AS BestStart,
        known.Best.Id AS BestId)
    FROM otel_traces AS t
    INNER JOIN known ON known.Project = t.Project AND known.TraceId = t.TraceId
    WHERE (t.SessionHint > {low_session:String}
            OR (t.SessionHint = {low_session:String} AND t.TraceId >= {low_trace:String}))
        AND ({last:UInt8} = 1 OR t.SessionHint < {high_session:String}
            OR (t.SessionHint = {high_session:String} AND t.TraceId < {high_trace:String}))
        AND ({all:UInt8} = 1 OR (t.Project, t.TraceId) IN (SELECT Project, TraceId FROM {best:Identifier}))
)

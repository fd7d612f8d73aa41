-- Stores the spans that are not under their right session once more, under it. Running it twice changes nothing.
INSERT INTO otel_traces_moved
WITH known AS
(
    SELECT Project, TraceId, min(Best) AS best, groupUniqArrayArray(Places) AS places
    FROM trace_claims
    WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    GROUP BY Project, TraceId
)
SELECT t.* REPLACE (
    if(t.ClaimLevel = known.best.Level, t.ClaimId, known.best.Id) AS SessionHint,
    known.best.Level AS BestLevel,
    known.best.NotRoot AS BestNotRoot,
    known.best.Start AS BestStart,
    known.best.Id AS BestId)
FROM otel_traces AS t
INNER JOIN known ON known.Project = t.Project AND known.TraceId = t.TraceId
WHERE (t.Project, t.SessionHint, t.TraceId) IN (
        SELECT Project, arrayJoin(arrayMap(p -> p.SessionId, places)), TraceId FROM known)
    AND t.SessionHint != if(t.ClaimLevel = known.best.Level, t.ClaimId, known.best.Id)

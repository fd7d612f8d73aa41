-- Stores the spans that are not under their right session once more, under it. Running it twice changes nothing.
INSERT INTO otel_traces_moved
WITH known AS
(
    SELECT Project, TraceId, Best, Places
    FROM trace_attribution
    WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
)
SELECT t.* REPLACE (
    if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id) AS SessionHint,
    known.Best.Level AS BestLevel,
    known.Best.NotRoot AS BestNotRoot,
    known.Best.Start AS BestStart,
    known.Best.Id AS BestId)
FROM otel_traces AS t
INNER JOIN known ON known.Project = t.Project AND known.TraceId = t.TraceId
WHERE (t.Project, t.SessionHint, t.TraceId) IN (
        SELECT Project, arrayJoin(arrayMap(p -> p.SessionId, Places)), TraceId FROM known)
    AND t.SessionHint != if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id)

-- Stores the spans that are not under their right session once more, under it. Running it twice changes nothing.
-- The times of the traces keep it from reading granules of other times, which their ids alone do not.
INSERT INTO otel_traces_moved
WITH known AS
(
    SELECT Project, TraceId, Best, Places, Start, End
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
WHERE t.Timestamp >= (SELECT min(Start) FROM known) AND t.Timestamp <= (SELECT max(End) FROM known)
    AND (t.Project, t.SessionHint, t.TraceId) IN (
        SELECT Project, arrayJoin(arrayMap(p -> p.SessionId, Places)), TraceId FROM known)
    AND t.SessionHint != if(t.ClaimLevel = known.Best.Level, t.ClaimId, known.Best.Id)

-- Where different spans claim one identity in several sessions: puts the greatest version into each of those sessions,
-- where it replaces the others, so that the span counts once.
INSERT INTO session_candidates
WITH known AS
(
    SELECT Project, TraceId, Places, Start, End
    FROM trace_attribution
    WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
),
rivals AS
(
    SELECT *
    FROM session_candidates
    WHERE StartTime >= (SELECT min(Start) FROM known) AND StartTime <= (SELECT max(End) FROM known)
        AND (Project, SessionId, TraceId) IN (SELECT Project, arrayJoin(arrayMap(p -> p.SessionId, Places)), TraceId FROM known)
)
SELECT winner.* REPLACE (loser.SessionId AS SessionId)
FROM rivals AS winner
INNER JOIN
(
    SELECT Project, SessionId, TraceId, SpanId, max(Version) AS Version
    FROM rivals
    GROUP BY Project, SessionId, TraceId, SpanId
) AS loser ON loser.Project = winner.Project AND loser.TraceId = winner.TraceId AND loser.SpanId = winner.SpanId
WHERE winner.Version > loser.Version

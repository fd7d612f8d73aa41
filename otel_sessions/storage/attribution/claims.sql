-- Tells every session that holds, or has ever held, spans of the traces which claim is the best one.
INSERT INTO session_claims
SELECT Project, SessionId, TraceId, best AS Best
FROM
(
    SELECT Project, TraceId, min(Best) AS best, groupUniqArrayArray(Places) AS places
    FROM trace_claims
    WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    GROUP BY Project, TraceId
)
ARRAY JOIN arrayDistinct(arrayMap(p -> p.SessionId, places)) AS SessionId
WHERE SessionId != ''

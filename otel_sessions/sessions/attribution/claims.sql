-- Tells every session that holds, or has ever held, spans of the traces which claim is the best one.
INSERT INTO session_claims
SELECT Project, SessionId, TraceId, Best
FROM trace_attribution
ARRAY JOIN arrayDistinct(arrayMap(p -> p.SessionId, Places)) AS SessionId
WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    AND SessionId != ''

-- Tells every session that holds, or has ever held, spans of a chunk of traces which claim is the best one.
INSERT INTO session_claims
SELECT Project, SessionId, TraceId, Best
FROM trace_attribution
ARRAY JOIN arrayDistinct(arrayMap(p -> p.SessionId, Places)) AS SessionId
WHERE (Project, TraceId) IN (
        SELECT Project, TraceId
        FROM {best:Identifier}
        WHERE TraceId >= {low_trace:String} AND ({last:UInt8} = 1 OR TraceId < {high_trace:String}))
    AND SessionId != ''

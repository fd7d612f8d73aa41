-- The sessions that list a span with other contents than its greatest version has. Only traces that have a correction or a
-- span stored twice can have such: the spans of all others are listed as they are stored.
WITH
claimed AS
(
    SELECT DISTINCT Project, TraceId
${../parts/claims_to_verify}
),
repeated AS
(
    SELECT Project, TraceId
    FROM otel_traces
    WHERE (Project, TraceId) IN (SELECT Project, TraceId FROM claimed)
    GROUP BY Project, TraceId
    HAVING count() != uniqExact(SpanId)
    UNION DISTINCT
    SELECT Project, TraceId
    FROM _corrections
    WHERE (Project, TraceId) IN (SELECT Project, TraceId FROM claimed)
)
SELECT DISTINCT s.Project AS Project, s.SessionId AS SessionId
FROM session_spans AS s
WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
    AND (Project, s.TraceId) IN (SELECT Project, TraceId FROM repeated)
    AND (Project, s.TraceId, s.SpanId,
${../parts/version}
    ) NOT IN (
        SELECT
            s.Project, s.TraceId, s.SpanId,
            max(
${../parts/version}
            )
        FROM otel_traces AS s
        WHERE (s.Project, s.TraceId) IN (SELECT Project, TraceId FROM repeated)
        GROUP BY s.Project, s.TraceId, s.SpanId)
ORDER BY Project, SessionId

-- Traces of which more was told since a moment than is stored since: an earlier span, a later one, or a better claim. Those that
-- have spans of before are among them too.
SELECT t.Project AS Project, t.TraceId AS TraceId
FROM
(
    SELECT Project, TraceId, min(Start) AS Start, max(End) AS End, min(Best) AS Best, sum(Rows) AS Rows
    FROM _trace_claims
    WHERE ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
    GROUP BY Project, TraceId
) AS t
LEFT JOIN
(
${../parts/claims_of_traces}
    FROM otel_traces AS s
    WHERE s.ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
    GROUP BY Project, TraceId
) AS f ON f.Project = t.Project AND f.TraceId = t.TraceId
WHERE if(f.Rows = 0, t.Rows > 0, t.Start < f.Start OR t.End > f.End OR t.Best < f.Best)

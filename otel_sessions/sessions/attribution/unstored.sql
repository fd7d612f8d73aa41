-- Of the traces given those of which more was told than is stored: an insert that was broken off has told it, and its spans were
-- kept away when they came once more, as their session was deleted meanwhile.
WITH known AS
(
${../parts/known_traces}
)
SELECT known.Project AS Project, known.TraceId AS TraceId
FROM known
LEFT JOIN
(
${../parts/claims_of_traces}
    FROM otel_traces AS s
    WHERE
${../parts/rows_of_known}
    GROUP BY Project, TraceId
) AS f ON f.Project = known.Project AND f.TraceId = known.TraceId
WHERE f.Rows = 0 OR known.Start < f.Start OR known.End > f.End OR known.Best < f.Best

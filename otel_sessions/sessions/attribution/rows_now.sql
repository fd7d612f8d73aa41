-- How many rows of the traces given are stored now, of how many spans, and whether one claims a session.
WITH known AS
(
${../parts/traces_read}
)
SELECT
    s.Project AS Project, s.TraceId AS TraceId, count() AS Rows, uniqExact(s.SpanId) AS Spans, min(s.ClaimLevel) < 9 AS IsClaimed
FROM otel_traces AS s
WHERE
${../parts/rows_of_known}
GROUP BY Project, TraceId

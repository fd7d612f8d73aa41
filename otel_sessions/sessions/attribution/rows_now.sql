-- How many rows of the traces given are stored now.
WITH known AS
(
${../parts/known_traces}
)
SELECT s.Project AS Project, s.TraceId AS TraceId, count() AS Rows
FROM otel_traces AS s
WHERE
${../parts/rows_of_known}
GROUP BY Project, TraceId

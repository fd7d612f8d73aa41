-- How many rows of the traces given are stored now, of how many spans, which claim is the best of them, and what they claim.
WITH
known AS
(
${../parts/traces_read}
),
min(
${../parts/claim}
) AS best
SELECT
    s.Project AS Project, s.TraceId AS TraceId, count() AS Rows, uniqExact(s.SpanId) AS Spans,
    toUInt8(substring(best, 1, 1)) AS Level, substring(best, 11) AS Session, groupUniqArray(s.ClaimId) AS Claims
FROM otel_traces AS s
WHERE
${../parts/rows_of_known}
GROUP BY Project, TraceId

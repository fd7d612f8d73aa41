-- Of the traces given those whose sums are not right by proof, and that no correction covers: a span in another session than the
-- one that the rule gives it, a span stored twice, or not as many rows summed as there are.
WITH
known AS
(
${../parts/known_traces}
),
facts AS
(
    SELECT s.Project AS Project, s.TraceId AS TraceId, count() AS Rows, uniqExact(s.SpanId) AS Distinct
    FROM otel_traces AS s
    WHERE
${../parts/rows_of_known}
    GROUP BY Project, TraceId
),
sums AS
(
    SELECT u.Project AS Project, u.TraceId AS TraceId, sum(u.Rows) AS Rows
    FROM _session_turns AS u
    WHERE u.Correction = 0 AND (u.Project, u.SessionId, u.TraceId) IN (SELECT Project, arrayJoin(Sessions), TraceId FROM known)
    GROUP BY Project, TraceId
),
corrected AS
(
    SELECT c.Project AS Project, c.TraceId AS TraceId, max(c.Seen) AS Seen, groupUniqArray(c.SessionId) AS Sessions
    FROM _corrected_turns AS c
    WHERE c.TraceId IN (SELECT TraceId FROM known)
    GROUP BY Project, TraceId
)
SELECT
    known.Project, known.TraceId,
    toUInt8OrZero(substring(known.Best, 1, 1)) AS Level, toUInt8OrZero(substring(known.Best, 2, 1)) AS NotRoot,
    reinterpretAsUInt64(reverse(substring(known.Best, 3, 8))) AS Start, substring(known.Best, 11) AS Id
FROM known
LEFT JOIN facts ON facts.Project = known.Project AND facts.TraceId = known.TraceId
LEFT JOIN sums ON sums.Project = known.Project AND sums.TraceId = known.TraceId
LEFT JOIN corrected ON corrected.Project = known.Project AND corrected.TraceId = known.TraceId
WHERE (
        known.IsDoubtful = 1
        OR (known.Best != '9' AND (facts.Rows != facts.Distinct OR facts.Rows != sums.Rows))
        OR arrayExists(place -> place.SessionId != if(
            substring(known.Best, 1, 1) <= '2' AND place.ClaimLevel = toUInt8OrZero(substring(known.Best, 1, 1)),
            if(place.ClaimId = '', place.SessionId, place.ClaimId), substring(known.Best, 11)), known.Places))
    AND (corrected.Seen != facts.Rows
        OR NOT hasAll(corrected.Sessions, arrayFilter(session -> session != '', known.Sessions)))

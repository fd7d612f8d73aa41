-- As stale.sql, of the traces that may still wait for a late claim to be put into force: those stored since any receiver
-- last did it; all, where none ever has.
SELECT
    Project,
    TraceId,
    best,
    arrayExists(p -> p.Best != best OR p.SessionId != if(p.ClaimLevel = best.Level, p.ClaimId, best.Id), places) AS stale,
    length(arrayDistinct(arrayMap(p -> p.SessionId, places))) AS sessions
FROM
(
    SELECT Project, TraceId, min(Best) AS best, groupUniqArrayArray(Places) AS places
    FROM trace_claims
    WHERE (Project, TraceId) IN (
        SELECT Project, TraceId
        FROM trace_claims
        WHERE ReceivedAt >= (
            SELECT if(count() = 0, toDateTime(0, 'UTC'), min(Through) - INTERVAL 60 SECOND)
            FROM attribution_progress FINAL))
    GROUP BY Project, TraceId
)
WHERE best.Level < 9 AND (stale OR sessions > 1)

-- Of the traces given: those whose spans were stored with another claim in mind than the best one, or under several
-- sessions. One row each: the best claim, whether anything has to move, and under how many sessions its spans stand.
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
    WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    GROUP BY Project, TraceId
)
WHERE best.Level < 9 AND (stale OR sessions > 1)

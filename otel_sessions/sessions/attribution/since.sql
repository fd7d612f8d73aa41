-- The same, of the traces that may still wait for a late claim to be put into force: those stored since any receiver last
-- did it; all, where none ever has.
SELECT Project, TraceId, Best, IsStale, Sessions
FROM trace_attribution
WHERE (Project, TraceId) IN (
        SELECT Project, TraceId
        FROM trace_claims
        WHERE ReceivedAt >= (
            SELECT if(count() = 0, toDateTime(0, 'UTC'), min(Through) - INTERVAL 60 SECOND)
            FROM attribution_progress FINAL))
    AND Best.Level < 9 AND (IsStale OR Sessions > 1)

-- The traces that may still wait for a late claim to be put into force: those stored since some receiver last did it.
SELECT DISTINCT Project, TraceId
FROM trace_claims
WHERE ReceivedAt >= (
    SELECT if(count() = 0, toDateTime('2100-01-01 00:00:00', 'UTC'), min(Through)) - INTERVAL 60 SECOND
    FROM attribution_progress FINAL)

-- Sessions whose spans are to stay away, as was said since a moment, and of which some are stored all the same: as turns, or as
-- spans of traces that they had, of which the turns went with the deletion while their insert was half done.
WITH away AS
(
    SELECT Project, SessionId, Traces
    FROM _forgotten FINAL
    WHERE Until > now64(9, 'UTC') AND UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
)
SELECT DISTINCT Project, SessionId
FROM _turn_minutes
WHERE (Project, SessionId) IN (SELECT Project, SessionId FROM away)
UNION DISTINCT
SELECT Project, SessionId
FROM (SELECT Project, SessionId, arrayJoin(Traces) AS TraceId FROM away)
WHERE (Project, TraceId) IN
(
    SELECT Project, TraceId FROM otel_traces
    WHERE (Project, TraceId) IN (SELECT Project, arrayJoin(Traces) FROM away)
)

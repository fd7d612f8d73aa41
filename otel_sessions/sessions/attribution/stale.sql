-- Of the traces given: those whose spans were stored with another claim in mind than the best one, or under several
-- sessions.
SELECT Project, TraceId, Best, IsStale, Sessions
FROM trace_attribution
WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    AND Best.Level < 9 AND (IsStale OR Sessions > 1)

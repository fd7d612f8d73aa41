-- The traces of some sessions, each with all sessions that have a part in it.
SELECT Project, TraceId, groupUniqArray(SessionId) AS Sessions
FROM _turn_minutes
WHERE (Project, TraceId) IN (
    SELECT DISTINCT Project, TraceId FROM _turn_minutes WHERE (Project, SessionId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
GROUP BY Project, TraceId

-- Those of some sessions that have spans.
SELECT DISTINCT Project, SessionId
FROM _turn_minutes
WHERE (Project, SessionId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))

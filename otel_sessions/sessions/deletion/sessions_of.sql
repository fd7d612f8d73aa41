-- All that a table has of some sessions.
DELETE FROM {table:Identifier}
WHERE (Project, SessionId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))

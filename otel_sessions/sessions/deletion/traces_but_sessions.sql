-- What a table has of some traces, but for what it has of some sessions.
DELETE FROM {table:Identifier}
WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    AND (Project, SessionId) NOT IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))

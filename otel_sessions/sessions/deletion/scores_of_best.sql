-- What was said of some traces as a whole: it was of the session that had their best claim.
DELETE FROM {table:Identifier}
WHERE SessionId = '' AND SpanId = '' AND (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))

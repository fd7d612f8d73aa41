DELETE FROM {table:Identifier}
WHERE SessionId = '' AND (Project, TraceId, SpanId) IN (
    SELECT span.1, span.2, span.3 FROM (SELECT arrayJoin({spans:Array(Tuple(String, String, String))}) AS span))

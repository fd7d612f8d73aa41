-- What some spans say: their attributes and events.
SELECT TraceId, SpanId, SpanAttributes, `Events.Name` AS EventNames, `Events.Attributes` AS EventAttributes
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
    AND SpanId IN {span_ids:Array(String)}

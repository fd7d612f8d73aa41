-- What the spans of some traces of a session say of their content: all attributes, and those of events.
SELECT TraceId, SpanAttributes, `Events.Name` AS EventNames, `Events.Attributes` AS EventAttributes
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {traces:Array(String)}
ORDER BY Timestamp, SpanId
LIMIT {limit:UInt32}

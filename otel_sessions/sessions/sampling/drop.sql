-- Of the spans of some traces, what figures are not made of; the message of an exception may be the last error.
ALTER TABLE {table:Identifier} UPDATE
    ResourceAttributes = map(),
    ScopeAttributes = map(),
    SpanAttributes = map(),
    `Events.Attributes` = arrayMap(said -> mapFilter((key, value) -> key = 'exception.message', said), `Events.Attributes`),
    `Links.Attributes` = arrayMap(said -> mapFilter((key, value) -> 0, said), `Links.Attributes`)
WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))

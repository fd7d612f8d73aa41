-- Of the spans of some traces, what figures are not made of; the message of an exception may be the last error, and the
-- beginning of the input and output is taken out of its attribute.
ALTER TABLE {table:Identifier} UPDATE
    ResourceAttributes = map(),
    ScopeAttributes = map(),
    SpanAttributes = map(),
    InputText = concat(InputText, substringUTF8(SpanAttributes[InputKey], 1, InputChars)),
    InputKey = '',
    InputChars = 0,
    OutputText = concat(OutputText, substringUTF8(SpanAttributes[OutputKey], 1, OutputChars)),
    OutputKey = '',
    OutputChars = 0,
    `Events.Attributes` = arrayMap(said -> mapFilter((key, value) -> key = 'exception.message', said), `Events.Attributes`),
    `Links.Attributes` = arrayMap(said -> mapFilter((key, value) -> 0, said), `Links.Attributes`)
WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))

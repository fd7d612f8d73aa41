-- Some rows of a part, as the Collector's exporter for ClickHouse has stored them; times in ns since 1970.
SELECT
    toUnixTimestamp64Nano(Timestamp) AS start, toInt64(Duration) AS duration, TraceId AS trace_id, SpanId AS span_id,
    ParentSpanId AS parent_span_id, TraceState AS trace_state, SpanName AS name, SpanKind AS kind,
    ServiceName AS service, ResourceAttributes AS resource, ScopeName AS scope_name, ScopeVersion AS scope_version,
    SpanAttributes AS attributes, StatusCode AS status, StatusMessage AS message,
    arrayMap(at -> toUnixTimestamp64Nano(at), `Events.Timestamp`) AS event_times, `Events.Name` AS event_names,
    `Events.Attributes` AS event_attributes,
    `Links.TraceId` AS link_traces, `Links.SpanId` AS link_spans, `Links.TraceState` AS link_states,
    `Links.Attributes` AS link_attributes
FROM {database:Identifier}.{table:Identifier}
WHERE _part = {part:String} AND _part_offset >= {begin:UInt64} AND _part_offset < {end:UInt64}

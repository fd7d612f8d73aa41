-- The spans of a piece in their order, and how many bytes the texts of each have.
SELECT TraceId, toUnixTimestamp64Nano(Timestamp) AS Time, SpanId,
${span_bytes}
    AS Bytes
${export_piece}
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId
SETTINGS max_threads = 1, query_plan_execute_functions_after_sorting = 0

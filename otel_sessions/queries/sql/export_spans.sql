-- The spans of a piece, in the order of their turns and times.
SELECT COLUMNS
FROM
(
    SELECT *,
${span_end}
${export_piece}
)
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId
SETTINGS max_threads = 1

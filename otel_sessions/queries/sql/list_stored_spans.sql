-- As `list_spans`, of a session without corrections, in parts of the table: to look into all that lie within the key is a sixth of it.
SELECT COLUMNS,
${span_end}
FROM
(
${stored_spans}
        AND _part IN {parts:Array(String)}
)
WHERE TraceId IN {trace_ids:Array(String)} AND SpanId IN {span_ids:Array(String)}
SETTINGS max_result_bytes = 8388608, result_overflow_mode = 'break'

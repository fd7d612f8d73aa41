SELECT
${turn_columns}
FROM _turn_minutes AS m
GROUP BY Project, SessionId, TraceId
HAVING SpanCount > 0

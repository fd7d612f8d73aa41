SELECT
${minute_columns}
FROM _turn_minutes AS m
WHERE m.SpanCount > 0
GROUP BY Project, SessionId, Minute

SELECT SessionHint, count(), sum(TotalTokens), max(Timestamp) AS Last
FROM otel_traces
WHERE SessionHint != ''
GROUP BY SessionHint
ORDER BY Last DESC
LIMIT 50

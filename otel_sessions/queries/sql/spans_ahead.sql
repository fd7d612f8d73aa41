-- Services whose spans began after a moment, of those that were stored lately.
SELECT toString(ServiceName) AS ServiceName, count() AS SpanCount, max(Timestamp) AS Latest
FROM otel_traces
WHERE Project = {project:String} AND ReceivedAt >= {from:DateTime64(9, 'UTC')} AND Timestamp > {to:DateTime64(9, 'UTC')}
GROUP BY ServiceName
ORDER BY SpanCount DESC, ServiceName
LIMIT {limit:UInt32}

-- The services whose spans came in the last day, those with most first.
SELECT toString(ServiceName) AS ServiceName, count() AS SpanCount
FROM otel_traces
WHERE Project = {project:String} AND Timestamp > now() - INTERVAL 1 DAY
GROUP BY ServiceName
ORDER BY SpanCount DESC, ServiceName
LIMIT {limit:UInt32}

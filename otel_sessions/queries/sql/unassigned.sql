-- Traces of which no span names a session, by the service of their spans; 9 is the best claim of none.
SELECT toString(ServiceName) AS ServiceName, uniqExact(TraceId) AS TraceCount, count() AS SpanCount,
    max(Timestamp) AS LastSeen, any(TraceId) AS OneTrace
FROM otel_traces
WHERE Project = {project:String} AND SessionHint = ''
    AND Timestamp >= {from:DateTime64(9, 'UTC')} AND Timestamp <= {to:DateTime64(9, 'UTC')}
    AND TraceId NOT IN
    (
        SELECT TraceId FROM _trace_claims
        WHERE Project = {project:String} AND Best < '9' AND TraceId IN
        (
            SELECT TraceId FROM otel_traces
            WHERE Project = {project:String} AND SessionHint = ''
                AND Timestamp >= {from:DateTime64(9, 'UTC')} AND Timestamp <= {to:DateTime64(9, 'UTC')}
        )
    )
GROUP BY ServiceName
ORDER BY SpanCount DESC, ServiceName
LIMIT {limit:UInt32}

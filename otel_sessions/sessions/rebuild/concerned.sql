-- The traces stored in a period, still without their claims.
INSERT INTO {best:Identifier}
SELECT DISTINCT Project, TraceId, (9, 1, 0, '') AS Best
FROM otel_traces
WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}

SELECT DISTINCT Project, TraceId
FROM _trace_claims
WHERE ReceivedAt >= toDateTime({since:UInt32}, 'UTC')

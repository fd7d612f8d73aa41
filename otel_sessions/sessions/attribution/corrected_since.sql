SELECT DISTINCT Project, TraceId
FROM _corrections
WHERE CorrectedAt >= toDateTime64({since:UInt32}, 3, 'UTC')

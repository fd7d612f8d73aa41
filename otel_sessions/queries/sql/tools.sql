-- Tools by how often they were called, with their own errors and times.
SELECT StepName, count() AS CallCount, countIf(StatusCode = 'Error') AS ErrorCount, uniqExact(SessionId) AS SessionCount,
    quantileExact(0.5)(Duration) AS DurationP50, quantileExact(0.95)(Duration) AS DurationP95
FROM session_spans
WHERE Project = {project:String} AND StepKind = 'tool'
    AND Timestamp >= {from:DateTime64(9, 'UTC')} AND Timestamp <= {to:DateTime64(9, 'UTC')}
GROUP BY StepName
ORDER BY CallCount DESC, StepName
LIMIT {limit:UInt32}

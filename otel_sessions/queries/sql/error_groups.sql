-- Errors of sessions by message and step, the most frequent first.
SELECT
    if(StatusMessage != '', StatusMessage, coalesce(
        nullIf(arrayElement(`Events.Attributes`, indexOf(`Events.Name`, 'exception'))['exception.message'], ''),
        SpanName)) AS Message,
    StepKind, StepName, count() AS ErrorCount, uniqExact(SessionId) AS SessionCount, max(Timestamp) AS LastSeen,
    argMax(SessionId, Timestamp) AS LastSession, argMax(TraceId, Timestamp) AS LastTrace
FROM session_spans
WHERE Project = {project:String} AND StatusCode = 'Error'
    AND Timestamp >= {from:DateTime64(9, 'UTC')} AND Timestamp <= {to:DateTime64(9, 'UTC')}
GROUP BY Message, StepKind, StepName
ORDER BY ErrorCount DESC, Message, StepKind, StepName
LIMIT {limit:UInt32}

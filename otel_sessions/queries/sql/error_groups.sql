-- Errors of sessions by message and step, the most frequent first; those that a caller only passed on stand last.
SELECT
    Message, StepKind, StepName, count() AS ErrorCount, countIf(PassedOn) AS PassedOnCount,
    uniqExact(SessionId) AS SessionCount, max(Timestamp) AS LastSeen, argMax(SessionId, Timestamp) AS LastSession,
    argMax(TraceId, Timestamp) AS LastTrace
FROM
(
    SELECT
        if(StatusMessage != '', StatusMessage, coalesce(
            nullIf(arrayElement(`Events.Attributes`, indexOf(`Events.Name`, 'exception'))['exception.message'], ''),
            SpanName)) AS Message,
        StepKind, StepName, SessionId, TraceId, Timestamp,
        has(groupArray(ParentSpanId) OVER (PARTITION BY TraceId, Message), SpanId) AS PassedOn
    FROM session_spans
    WHERE Project = {project:String} AND StatusCode = 'Error'
        AND Timestamp >= {from:DateTime64(9, 'UTC')} AND Timestamp <= {to:DateTime64(9, 'UTC')}
)
GROUP BY Message, StepKind, StepName
ORDER BY PassedOnCount = ErrorCount, ErrorCount DESC, Message, StepKind, StepName
LIMIT {limit:UInt32}

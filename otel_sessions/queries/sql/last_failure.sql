-- The error span of a session that says most of why it failed: one with a message before others, of these the one that began
-- last, so that it is within those that only passed the error on.
SELECT
    TraceId, SpanId, StepKind, StepName, SpanName,
    if(StatusMessage != '', StatusMessage,
        arrayElement(`Events.Attributes`, indexOf(`Events.Name`, 'exception'))['exception.message']) AS Message
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND StatusCode = 'Error'
ORDER BY Message != '' DESC, Timestamp DESC, SpanId
LIMIT 1

-- The error span of a session that ended last, of those that ended together the one whose text the figure `LastError` has;
-- `Message` is empty where neither its status nor an exception says anything.
SELECT
    TraceId, SpanId, StepKind, StepName, SpanName,
    if(StatusMessage != '', StatusMessage,
        arrayLast(m -> m != '', arrayMap(a -> a['exception.message'], `Events.Attributes`))) AS Message,
${span_end}
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND StatusCode = 'Error'
ORDER BY _EndTime DESC, if(Message != '', Message, SpanName) DESC, SpanId
LIMIT 1

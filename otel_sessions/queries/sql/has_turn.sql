-- Whether a session has a span of a trace, as `has_session` asks it.
SELECT 1
FROM _turn_minutes AS m
WHERE m.Project = {project:String} AND m.SessionId = {session_id:String} AND m.TraceId = {trace_id:String}
    AND m.SpanCount > 0
LIMIT 1

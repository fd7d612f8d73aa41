-- Whether a session has a span. Sums of spans only grow, so one minute that has any decides it; nothing is summed.
SELECT 1
FROM _turn_minutes AS m
WHERE m.Project = {project:String} AND m.SessionId = {session_id:String} AND m.SpanCount > 0
LIMIT 1

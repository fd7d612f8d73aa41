-- Some columns of the turns of a session after a place, of all or of those AMONG, as `session_traces` has them: without the view,
-- whose other columns take longer to plan than these.
SELECT
COLUMNS
FROM _turn_minutes AS m
WHERE m.Project = {project:String} AND m.SessionId = {session_id:String} AND AMONG
GROUP BY m.TraceId
HAVING SpanCount > 0 AND (StartTime, TraceId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String})
ORDER BY StartTime, TraceId
LIMIT {limit:UInt32}

SELECT sum(SpanCount) AS Spans
FROM session_timeline
WHERE Project = {project:String} AND SessionId = {session_id:String}

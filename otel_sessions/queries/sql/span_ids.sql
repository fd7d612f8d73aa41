SELECT TraceId, groupArray({limit:UInt32})(SpanId) AS Ids
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
GROUP BY TraceId

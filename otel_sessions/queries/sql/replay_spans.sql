-- The spans of some turns, in the order of the turns and of their starts, and how large what they say is.
SELECT
${replay_columns}
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
ORDER BY indexOf({trace_ids:Array(String)}, TraceId), Timestamp, SpanId
LIMIT {limit:UInt32}
SETTINGS query_plan_execute_functions_after_sorting = 0

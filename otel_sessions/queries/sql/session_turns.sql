-- The traces of a session, oldest first, each with its tags and environment.
SELECT t.*, of_trace.Tags AS Tags, of_trace.Environment AS Environment
FROM session_traces AS t
INNER JOIN
(
    SELECT
        m.TraceId AS TraceId,
        arraySort(groupUniqArrayArray(m.Tags)) AS Tags,
        argMinIf(toString(m.Environment), (m.IsRoot = 0, m.StartTime, m.SpanId), m.Environment != '') AS Environment
    FROM session_rows AS m
    WHERE Project = {project:String} AND SessionId = {session_id:String}
    GROUP BY TraceId
) AS of_trace ON of_trace.TraceId = t.TraceId
WHERE t.Project = {project:String} AND t.SessionId = {session_id:String}
ORDER BY t.StartTime, t.TraceId
LIMIT {limit:UInt32}

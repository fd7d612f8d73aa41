-- Where a turn stands in its session: its start, and how many turns are before it. Without a trace, the turn that failed last.
SELECT TraceId, toString(StartTime) AS Start, Number - 1 AS Before
FROM
(
    SELECT TraceId, StartTime, EndTime, ErrorCount, row_number() OVER (ORDER BY StartTime, TraceId) AS Number
    FROM session_traces
    WHERE Project = {project:String} AND SessionId = {session_id:String}
)
WHERE if({trace_id:String} = '', ErrorCount > 0, TraceId = {trace_id:String})
ORDER BY EndTime DESC
LIMIT 1

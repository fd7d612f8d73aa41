-- Where a turn stands in its session: its start, and how many turns are before it.
SELECT TraceId, toString(StartTime) AS Start, Number - 1 AS Before
FROM
(
    SELECT TraceId, StartTime, row_number() OVER (ORDER BY StartTime, TraceId) AS Number
    FROM session_traces
    WHERE Project = {project:String} AND SessionId = {session_id:String}
)
WHERE TraceId = {trace_id:String}

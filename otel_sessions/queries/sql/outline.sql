-- The turns of a session numbered by their start, one line each; SORT is a text of ours.
SELECT TraceId, Number, Name, StartTime, Duration, substringUTF8(Input, 1, 300) AS Input, InputTokens, OutputTokens,
    TotalTokens, Cost, ErrorCount, UnpricedCalls
FROM
(
    SELECT *, row_number() OVER (ORDER BY StartTime, TraceId) AS Number
    FROM session_traces
    WHERE Project = {project:String} AND SessionId = {session_id:String}
)
ORDER BY SORT, Number
LIMIT {limit:UInt32}

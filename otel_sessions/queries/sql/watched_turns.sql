-- The turns of a session with a number that tells each from what it was before it changed; the last by start, if there
-- are more than are watched.
SELECT
    TraceId,
    StartTime,
    toUInt32(cityHash64(
        TraceId, StartTime, EndTime, Name, UserId, SpanCount, ErrorCount, Input, Output, Models, TotalTokens, Cost
    ) % 4294967296) AS State
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
ORDER BY StartTime DESC, TraceId DESC
LIMIT {limit:UInt32}

-- When the last of the turns of a session up to a place ended, how many they are, and how many spans they have, those up
-- to two other places as well.
SELECT
    toString(maxIf(EndTime, (StartTime, TraceId) <= ({until_time:DateTime64(9, 'UTC')}, {until_trace:String}))) AS EndTime,
    countIf((StartTime, TraceId) <= ({until_time:DateTime64(9, 'UTC')}, {until_trace:String})) AS Turns,
    sumIf(SpanCount, (StartTime, TraceId) <= ({until_time:DateTime64(9, 'UTC')}, {until_trace:String})) AS Spans,
    sumIf(SpanCount, (StartTime, TraceId) <= ({covered_time:DateTime64(9, 'UTC')}, {covered_trace:String})) AS CoveredSpans,
    sumIf(SpanCount, (StartTime, TraceId) <= ({mark_time:DateTime64(9, 'UTC')}, {mark_trace:String})) AS MarkSpans
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}

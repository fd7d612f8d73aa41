-- How many times a session went on after it had fallen idle, how many parts it has, and the last revision that a hook
-- decided on, 0 without any.
WITH
${../../sessions/parts/split_after}
AS split_after,
arrayMap(
    (start, end) -> if(start > end, start - end, 0),
    arrayPopFront(arraySort(groupArrayIf(FirstStart, FirstStart < 9223372036854775808))),
    arrayPopBack(arraySort(groupArrayIf(bitAnd(LastEnd, 9223372036854775807), LastEnd >= 9223372036854775808)))) AS gaps
SELECT
    (
        SELECT toUInt32(max(Revision)) FROM _session_hooks
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Revision,
    toUInt32(arrayCount(gap -> gap > 0 AND gap >= {idle_after:UInt64}, gaps)) AS Reopened,
    toUInt32(1 + arrayCount(gap -> split_after > 0 AND gap > split_after, gaps)) AS Parts
FROM
(
    SELECT m.TraceId AS TraceId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId = {session_id:String}
    GROUP BY TraceId
    HAVING sum(m.SpanCount) > 0
)

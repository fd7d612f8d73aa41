-- How many times a session went on after it had fallen idle, and how many parts it has.
WITH
arrayMap(
    (start, end) -> if(start > end, start - end, 0),
    arrayPopFront(arraySort(groupArrayIf(FirstStart, FirstStart < 9223372036854775808))),
    arrayPopBack(arraySort(groupArrayIf(bitAnd(LastEnd, 9223372036854775807), LastEnd >= 9223372036854775808)))) AS gaps
SELECT
    toUInt32(arrayCount(gap -> gap > 0 AND gap >= {idle_after:UInt64}, gaps)) AS Reopened,
    toUInt32(1 + arrayCount(gap -> {split_after:UInt64} > 0 AND gap > {split_after:UInt64}, gaps)) AS Parts
FROM
(
    SELECT m.TraceId AS TraceId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId = {session_id:String}
    GROUP BY TraceId
    HAVING sum(m.SpanCount) > 0
)

-- How many times a session went on after it had fallen idle, and the last revision that a hook decided on, 0 without any.
SELECT
    (
        SELECT toUInt32(max(Revision)) FROM _session_hooks
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Revision,
    toUInt32(arrayCount(
        (start, end) -> start > end AND start - end >= {idle_after:UInt64},
        arrayPopFront(arraySort(groupArrayIf(FirstStart, FirstStart < 9223372036854775808))),
        arrayPopBack(arraySort(groupArrayIf(bitAnd(LastEnd, 9223372036854775807), LastEnd >= 9223372036854775808)))))
    AS Reopened
FROM
(
    SELECT m.TraceId AS TraceId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId = {session_id:String}
    GROUP BY TraceId
    HAVING sum(m.SpanCount) > 0
)

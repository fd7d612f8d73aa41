-- Of one session what looks at its turns one by one: `session_ends`, how many times it went on after it had fallen idle,
-- and how many parts it has.
WITH
${turn_gaps}
    AS gaps
SELECT
${turn_ends}
    ,
    toUInt32(arrayCount(gap -> gap > 0 AND gap >= {idle_after:UInt64}, gaps)) AS Reopened,
    toUInt32(1 + arrayCount(gap -> {split_after:UInt64} > 0 AND gap > {split_after:UInt64}, gaps)) AS Parts
FROM
(
    SELECT
        m.TraceId AS TraceId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd,
        max(m.InputPick) AS InputPick, max(m.OutputPick) AS OutputPick
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId = {session_id:String}
    GROUP BY TraceId
    HAVING sum(m.SpanCount) > 0
)

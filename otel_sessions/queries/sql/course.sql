-- The minutes of a session put together into at most `columns` parts of its time, each a whole number of minutes; those
-- without anything are left out. `First` and `Size` are the same in all rows.
SELECT
    First, Size, intDiv(dateDiff('minute', First, Minute), Size) AS Place,
    sum(m.TotalTokens) AS Tokens, sum(m.Cost) AS Cost, sum(m.ErrorCount) AS Errors
FROM
(
    SELECT
        t.Minute AS Minute, t.TotalTokens AS TotalTokens, t.Cost AS Cost, t.ErrorCount AS ErrorCount,
        min(t.Minute) OVER () AS First,
        intDiv(dateDiff('minute', First, max(t.Minute) OVER ()), {columns:UInt32}) + 1 AS Size
    FROM session_timeline AS t
    WHERE t.Project = {project:String} AND t.SessionId = {session_id:String}
) AS m
GROUP BY First, Size, Place
ORDER BY Place

-- Sessions, the last started first, with how many there are.
SELECT *, count() OVER () AS Total
FROM
(
    SELECT
        SessionId,
        if(max(m.HasTimes) = 1, minIf(m.StartTime, m.HasTimes = 1), min(m.StartTime)) AS StartTime,
        arraySort(groupUniqArrayIf(toString(m.Environment), m.Environment != '')) AS Environments
    FROM session_members AS m
    WHERE Project = {project:String}
    GROUP BY SessionId
)
WHERE (empty({environments:Array(String)})
        OR hasAny(if(empty(Environments), ['default'], Environments), {environments:Array(String)}))
    AND StartTime >= {from:DateTime64(9, 'UTC')} AND StartTime < {to:DateTime64(9, 'UTC')}
ORDER BY StartTime DESC, SessionId
LIMIT {limit:UInt32} OFFSET {offset:UInt32}

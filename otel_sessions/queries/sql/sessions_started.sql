-- Sessions, the last started first, with how many there are.
SELECT *, count() OVER () AS Total
FROM
(
    SELECT SessionId, StartTime, Environments
    FROM sessions
    WHERE Project = {project:String}
)
WHERE (empty({environments:Array(String)})
        OR hasAny(if(empty(Environments), ['default'], Environments), {environments:Array(String)}))
    AND StartTime >= {from:DateTime64(9, 'UTC')} AND StartTime < {to:DateTime64(9, 'UTC')}
ORDER BY StartTime DESC, SessionId
LIMIT {limit:UInt32} OFFSET {offset:UInt32}

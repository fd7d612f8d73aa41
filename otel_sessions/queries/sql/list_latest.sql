-- As list_bounds, of the sessions that were active last: the end of each is in a row of its own, so rows that end before are
-- left out. They end before all that are found here. `rows` are how many rows of bounds are looked at: of fewer sessions.
WITH
(
    SELECT min(Latest)
    FROM
    (
        SELECT bitAnd(LastEnd, 9223372036854775807) AS Latest
        FROM _session_activity
        WHERE Project = {project:String}
        ORDER BY Latest DESC
        LIMIT {rows:UInt32}
    )
) AS since
SELECT SessionId, toInt64(max(bitAnd(LastEnd, 9223372036854775807))) AS Bound
FROM
(
    SELECT SessionId, LastEnd
    FROM _session_activity
    WHERE Project = {project:String} AND bitAnd(LastEnd, 9223372036854775807) >= since
    UNION ALL
    SELECT SessionId, arrayMax(`Minutes.LastEnd`) AS LastEnd
    FROM _corrections
    WHERE Project = {project:String} AND notEmpty(`Minutes.Minute`)
        AND bitAnd(arrayMax(`Minutes.LastEnd`), 9223372036854775807) >= since
)
GROUP BY SessionId
ORDER BY Bound DESC, SessionId
LIMIT {limit:UInt32}

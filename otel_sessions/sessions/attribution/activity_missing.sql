-- By how much what was summed of the turns of the sessions given is more than what was told of them, where it is. `told` are the
-- sums that they had before their turns are read here: of an insert under way, sums may be told that would stand for some that
-- are missing, so its turns must be among those that are read.
WITH arrayMap((stored, told) -> greatest(stored - told, 0),
${../parts/activity_sums}
    , arrayResize(g.Sums, 14)) AS missing
SELECT t.Project AS Project, t.SessionId AS SessionId, arrayMap(total -> toString(total), missing) AS Missing
FROM
(
${../parts/activity_of_turns}
    AND (t.Project, t.SessionId) IN (
        SELECT given.1, given.2 FROM (SELECT arrayJoin({told:Array(Tuple(String, String, Array(Decimal(38, 12))))}) AS given))
GROUP BY Project, SessionId
) AS t
LEFT JOIN
(
    SELECT given.1 AS Project, given.2 AS SessionId, given.3 AS Sums
    FROM (SELECT arrayJoin({told:Array(Tuple(String, String, Array(Decimal(38, 12))))}) AS given)
) AS g ON g.Project = t.Project AND g.SessionId = t.SessionId
WHERE arrayExists(total -> total > 0, missing)

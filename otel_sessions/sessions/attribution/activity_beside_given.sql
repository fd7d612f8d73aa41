-- What the turns of the sessions given come to, `t`, beside the sums that are given of each, `g`.
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

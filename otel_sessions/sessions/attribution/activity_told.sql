-- What was told of the sessions given, summed.
SELECT
    t.Project AS Project, t.SessionId AS SessionId,
    arrayMap(total -> toString(total), sumForEach(
${../parts/activity_sums}
    )) AS Sums
FROM _session_activity AS t
WHERE (t.Project, t.SessionId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY t.Project, t.SessionId

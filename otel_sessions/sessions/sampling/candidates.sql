-- Sessions that are idle, as far as their sums say, and not decided on; those that were dropped and of which something was
-- stored since; and those whose dropping has not come to its end.
SELECT
    a.Project AS Project, a.SessionId AS SessionId, a.Stored AS Rows, if(s.Rows = 0, '', toString(s.State)) AS State,
    s.Weight AS Weight, s.Rule AS Rule, toUnixTimestamp64Milli(s.DecidedAt) AS DecidedAt
FROM (
${../parts/idle_sessions}
) AS a
LEFT ANY JOIN (SELECT * FROM _session_sampling FINAL) AS s ON s.Project = a.Project AND s.SessionId = a.SessionId
WHERE s.Rows = 0 OR s.State = 'dropping' OR (s.State = 'dropped' AND s.Rows != a.Stored)
ORDER BY a.Latest
LIMIT {limit:UInt32}

-- Sessions that are idle, as far as their sums say, and not decided on; those that were dropped and of which something was
-- stored since; and those whose dropping has not come to its end.
WITH (
    SELECT (if(count() = 0, 1800000000000, argMax(IdleAfter, UpdatedAt)), argMax(IdleAfterOf, UpdatedAt)) FROM _session_life
) AS life
SELECT
    a.Project AS Project, a.SessionId AS SessionId, a.Stored AS Rows, if(s.Rows = 0, '', toString(s.State)) AS State,
    s.Weight AS Weight, s.Rule AS Rule, toUnixTimestamp64Milli(s.DecidedAt) AS DecidedAt
FROM (
    SELECT
        Project, SessionId, sum(Rows) AS Stored, max(LastEnd) AS Latest,
        if(mapContains(life.2, Project), life.2[Project], life.1) AS IdleAfter
    FROM _session_activity
    WHERE SessionId != '' AND (empty({projects:Array(String)}) OR has({projects:Array(String)}, Project))
    GROUP BY Project, SessionId
    HAVING Latest + IdleAfter >= 9223372036854775808 + {after:UInt64}
        AND Latest + IdleAfter <= 9223372036854775808 + {now:UInt64}
) AS a
LEFT ANY JOIN (SELECT * FROM _session_sampling FINAL) AS s ON s.Project = a.Project AND s.SessionId = a.SessionId
WHERE s.Rows = 0 OR s.State = 'dropping' OR (s.State = 'dropped' AND s.Rows != a.Stored)
ORDER BY a.Latest
LIMIT {limit:UInt32}

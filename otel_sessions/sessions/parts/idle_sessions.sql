-- Sessions that are idle as far as their sums say, those that have fallen so since `after`.
WITH (
    SELECT (if(count() = 0, 1800000000000, argMax(IdleAfter, UpdatedAt)), argMax(IdleAfterOf, UpdatedAt)) FROM _session_life
) AS life
SELECT
    Project, SessionId, sum(Rows) AS Stored, max(LastEnd) AS Latest,
    if(mapContains(life.2, Project), life.2[Project], life.1) AS IdleAfter
FROM _session_activity
WHERE SessionId != '' AND (empty({projects:Array(String)}) OR has({projects:Array(String)}, Project))
GROUP BY Project, SessionId
HAVING Latest + IdleAfter >= 9223372036854775808 + {after:UInt64}
    AND Latest + IdleAfter <= 9223372036854775808 + {now:UInt64}

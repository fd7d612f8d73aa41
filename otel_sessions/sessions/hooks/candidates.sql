-- Sessions that have been silent for long enough, as far as their sums say, and of which something was stored since the
-- last revision that was told; with that revision, 0 if there is none, and how long after its last span each is idle.
WITH (
    SELECT (if(count() = 0, 1800000000000, argMax(IdleAfter, UpdatedAt)), argMax(IdleAfterOf, UpdatedAt)) FROM _session_life
) AS life
SELECT
    a.Project AS Project, a.SessionId AS SessionId, a.Stored AS Rows, h.Revision AS Revision,
    toString(h.LastActivity) AS LastActivity, h.SpanCount AS SpanCount, a.IdleAfter AS IdleAfter
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
LEFT JOIN (
    SELECT Project, SessionId, Revision, LastActivity, SpanCount, Rows
    FROM _session_hooks FINAL
    WHERE Hook = {hook:String}
    ORDER BY Revision DESC
    LIMIT 1 BY Project, SessionId
) AS h ON h.Project = a.Project AND h.SessionId = a.SessionId
WHERE h.Revision = 0 OR h.Rows != a.Stored
ORDER BY a.Latest
LIMIT {limit:UInt32}

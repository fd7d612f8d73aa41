-- Sessions that have been silent for long enough, as far as their sums say, and of which something was stored since the
-- last revision that was told; with that revision, 0 if there is none, and how long after its last span each is idle.
SELECT
    a.Project AS Project, a.SessionId AS SessionId, a.Stored AS Rows, h.Revision AS Revision,
    toString(h.LastActivity) AS LastActivity, h.SpanCount AS SpanCount, a.IdleAfter AS IdleAfter
FROM (
${../parts/idle_sessions}
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

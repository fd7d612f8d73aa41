-- Of some traces, whose sums are about to be deleted, the sessions that stay and under which some of these sums were made: the
-- last values of their metadata may be of these, so they are said to be unknown, by a time after all others. Of shards any
-- will do.
INSERT INTO _session_activity (Project, SessionId, FirstStart, Metadata)
SETTINGS insert_distributed_one_random_shard = 1
SELECT
    t.Project, t.SessionId, 18446744073709551615,
    CAST(mapApply((key, stamped) -> (key, repeat(unhex('FF'), 9)), maxMap(t.Metadata)), 'Map(String, String)')
FROM _session_turns AS t
WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    AND (t.Project, t.SessionId) NOT IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))
    AND t.Correction = 0 AND notEmpty(t.Metadata)
GROUP BY t.Project, t.SessionId

-- A turn is in a window in which it pauses, too. Where its rows lie more than an hour apart, as those of a trace may that came in
-- several inserts, the time between is told to the sessions that spans were stored under. Of shards any will do.
INSERT INTO _session_activity (Project, SessionId, FirstStart, Spells)
SETTINGS insert_distributed_one_random_shard = 1
WITH toUInt64(toUnixTimestamp64Nano(min(t.Start))) AS first_start, toUInt64(toUnixTimestamp64Nano(max(t.End))) AS last_end
SELECT
    t.Project AS Project,
    arrayJoin(arrayFilter(session -> session != '', arrayDistinct(groupUniqArrayArray(t.Places).SessionId))) AS SessionId,
    18446744073709551615 AS FirstStart, [
${../parts/spell}
    ] AS Spells
FROM _trace_claims AS t
WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY t.Project, t.TraceId
HAVING
${../parts/may_pause}

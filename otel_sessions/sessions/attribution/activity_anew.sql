-- What was summed of turns since, once more by session: an insert that was broken off may have left it out. Where it has not
-- it counts twice, which is never too little. Of shards any will do.
INSERT INTO _session_activity
SETTINGS insert_distributed_one_random_shard = 1
${../parts/activity_of_turns}
    AND t.ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
GROUP BY Project, SessionId

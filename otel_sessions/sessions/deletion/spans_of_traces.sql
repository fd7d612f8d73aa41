-- The spans of traces that some sessions had, but for those that are in sessions of their own by claims that are no worse than
-- the best, which is of level 1 but in some of the traces.
DELETE FROM {table:Identifier}
WHERE (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    AND (
        ClaimLevel > 2
        OR (ClaimLevel = 2 AND (Project, TraceId) NOT IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({worse:Array(Tuple(String, String))}) AS pair)))
        OR (Project, ClaimId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))

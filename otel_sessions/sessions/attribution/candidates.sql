-- Of the traces given those that more than one insert brought, or one that left them in doubt. The others are in order.
SELECT t.Project AS Project, t.TraceId AS TraceId
FROM _trace_claims AS t
WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY Project, TraceId
HAVING sum(t.Blocks) != 1 OR max(t.IsDoubtful) > 0

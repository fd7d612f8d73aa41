-- Of the traces given those that may be in doubt, and those that may pause for hours. The others are in order: an insert that ended
-- well told all tables the same.
${../parts/judged_traces}
WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY Project, TraceId
HAVING IsUnproven OR MayPause

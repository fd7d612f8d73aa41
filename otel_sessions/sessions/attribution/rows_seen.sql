-- Of how many rows the corrections in force of the traces given are made; none of traces that no session has.
SELECT c.Project AS Project, c.TraceId AS TraceId, max(c.Seen) AS Rows
FROM _corrected_turns AS c
WHERE (c.Project, c.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY Project, TraceId

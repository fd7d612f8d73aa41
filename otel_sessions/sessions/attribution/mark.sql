-- Notes that these traces are in doubt from here on: what comes later is held against corrections, not sums.
INSERT INTO _trace_claims (Project, TraceId, Rows, Spans, IsDoubtful, Best, Places, Start, End, ReceivedAt)
SELECT
    t.Project AS Project, t.TraceId AS TraceId, 0 AS Rows, [] AS Spans, 1 AS IsDoubtful, min(t.Best) AS Best, [] AS Places,
    min(t.Start) AS Start, max(t.End) AS End, max(t.ReceivedAt) AS ReceivedAt
FROM _trace_claims AS t
WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY Project, TraceId
HAVING max(t.IsDoubtful) = 0

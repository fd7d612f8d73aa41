-- Puts the corrections of one number into force, of each trace all or none: where its figures lie among the turns, all of them
-- and once. What was told twice, as its answer was lost on the way, is left out, and corrected under another number.
INSERT INTO _corrected_turns (Project, SessionId, TraceId, Seen, Correction, Members)
SELECT c.Project, c.SessionId, c.TraceId, c.Seen, c.Correction, c.Members
FROM
(
    SELECT
        Project, SessionId, TraceId, Seen, Correction, Members,
        sum(arraySum(`Minutes.Rows`)) OVER (PARTITION BY Project, TraceId) AS Due
    FROM _corrections
    WHERE Correction = {correction:UInt64}
        AND (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
) AS c
LEFT JOIN
(
    SELECT t.Project AS Project, t.TraceId AS TraceId, sum(t.Rows) AS Rows
    FROM _session_turns AS t
    WHERE t.Correction = {correction:UInt64} AND t.TraceId IN (
        SELECT pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    GROUP BY Project, TraceId
) AS t ON t.Project = c.Project AND t.TraceId = c.TraceId
WHERE t.Rows = c.Due

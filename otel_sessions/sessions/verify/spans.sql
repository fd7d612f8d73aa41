-- The sessions whose spans are not those of the truth, with how many are missing, too many, not the same, or listed more
-- than once.
SELECT
    Project, SessionId,
    countIf(IsTrue AND Listed = 0) AS Missing,
    countIf(NOT IsTrue AND Listed > 0) AS Extra,
    countIf(IsTrue AND Listed = 1 AND Versions > 1) AS Different,
    countIf(IsTrue AND Listed > 1) AS Misplaced
FROM
(
    SELECT
        Project, SessionId, TraceId, SpanId,
        max(Side = 'truth') AS IsTrue, countIf(Side = 'listed') AS Listed, uniqExact(Version) AS Versions
    FROM
    (
        SELECT 'truth' AS Side, Project, SessionId, TraceId, SpanId, Version FROM truth
        UNION ALL
        SELECT
            'listed' AS Side, s.Project AS Project, s.SessionId AS SessionId, s.TraceId AS TraceId, s.SpanId AS SpanId,
${../parts/version}
            AS Version
        FROM session_spans AS s
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
            AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
    )
    GROUP BY Project, SessionId, TraceId, SpanId
)
GROUP BY Project, SessionId
HAVING Missing > 0 OR Extra > 0 OR Different > 0 OR Misplaced > 0
ORDER BY Project, SessionId

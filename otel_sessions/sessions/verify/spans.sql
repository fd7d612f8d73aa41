-- The sessions whose spans are not those of the truth, with how many are missing, too many, not the same, or not in
-- `session_spans` exactly once.
SELECT
    Project, SessionId,
    countIf(IsTrue AND NOT IsMember) AS Missing,
    countIf(IsMember AND NOT IsTrue) AS Extra,
    countIf(IsTrue AND IsMember AND (MemberCount > 1 OR NOT has(Contents, Member))) AS Different,
    countIf(Listed != IsTrue AND IsTrue = IsMember) AS Misplaced
FROM
(
    SELECT
        Project, SessionId, TraceId, SpanId,
        max(Side = 'truth') AS IsTrue, max(Side = 'member') AS IsMember,
        countIf(Side = 'member') AS MemberCount,
        countIf(Side = 'listed') AS Listed,
        anyIf(Rows, Side = 'truth') AS Contents,
        anyIf(Rows[1], Side = 'member') AS Member
    FROM
    (
        SELECT
            'truth' AS Side, Project, SessionId, TraceId, SpanId, arrayFilter(c -> c.1 = Version, Contents) AS Rows
        FROM truth
        UNION ALL
        SELECT
            'member' AS Side, Project, SessionId, TraceId, SpanId,
            [(Version, cityHash64(
                ClaimLevel, ClaimId, IsRoot, IsError, HasTimes, StartTime, EndTime, SpanName, TraceName, ServiceName,
                UserId, Environment, Model, Tags, InputTokens, OutputTokens, TotalTokens, Cost, Input, Output,
                TraceInput, TraceOutput))] AS Rows
        FROM session_members
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
                SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
            AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
                SELECT Project, TraceId
                FROM otel_traces
                WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
        UNION ALL
        SELECT 'listed' AS Side, Project, SessionId, TraceId, SpanId, [] AS Rows
        FROM session_spans
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

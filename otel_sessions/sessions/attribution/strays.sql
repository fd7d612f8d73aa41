-- Sums that an insert has left which reached nothing else: the sessions that they stand under are told to their traces.
-- Of the times of these it says nothing: its start is later and its end earlier than any.
INSERT INTO _trace_claims (Project, TraceId, Rows, Spans, IsDoubtful, Best, Places, Start, End, ReceivedAt)
SELECT
    t.Project AS Project, t.TraceId AS TraceId, 0 AS Rows, [] AS Spans, 1 AS IsDoubtful, '9' AS Best,
    CAST([(t.SessionId, 9, '')], 'Array(Tuple(SessionId String, ClaimLevel UInt8, ClaimId String))') AS Places,
    fromUnixTimestamp64Nano(9223372036854775807, 'UTC') AS Start, fromUnixTimestamp64Nano(0, 'UTC') AS End,
    max(t.ReceivedAt) AS ReceivedAt
FROM _session_turns AS t
WHERE t.Correction = 0 AND t.ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
    AND (t.Project, t.TraceId, t.SessionId) NOT IN (
        SELECT Project, TraceId, arrayJoin(Places.SessionId)
        FROM _trace_claims
        WHERE ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
            OR (Project, TraceId) IN (
                SELECT Project, TraceId FROM _session_turns WHERE ReceivedAt >= toDateTime({since:UInt32}, 'UTC')))
GROUP BY Project, TraceId, t.SessionId

-- Sessions by the key that their ids stand under: how many there are, how many have one turn alone, and how many of
-- these began within half an hour of another one of the same user.
SELECT
    Key, ServiceName, count() AS SessionCount, countIf(TraceCount = 1) AS OfOneTurn,
    countIf(TraceCount = 1 AND UserId != '' AND Before = 1 AND StartTime - PreviousStart < 1800) AS Repeats,
    countIf(UserId != '') AS Named, groupUniqArrayIf(2)(SessionId, TraceCount = 1) AS Examples
FROM
(
    SELECT
        s.SessionId AS SessionId, s.TraceCount AS TraceCount, s.UserIds[1] AS UserId, s.StartTime AS StartTime, k.Key AS Key,
        k.ServiceName AS ServiceName,
        lagInFrame(toUInt64(s.TraceCount), 1, 0) OVER (PARTITION BY Key, UserId ORDER BY StartTime, SessionId ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS Before,
        lagInFrame(s.StartTime, 1, s.StartTime) OVER (PARTITION BY Key, UserId ORDER BY StartTime, SessionId ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS PreviousStart
    FROM
    (
        SELECT SessionId, TraceCount, UserIds, StartTime
        FROM sessions
        WHERE Project = {project:String} AND EndTime >= {from:DateTime64(9, 'UTC')}
    ) AS s
    INNER JOIN
    (
        SELECT SessionHint AS SessionId, argMin(toString(ClaimKey), ClaimLevel) AS Key, toString(any(ServiceName)) AS ServiceName
        FROM otel_traces
        WHERE Project = {project:String} AND ClaimLevel < 9 AND ReceivedAt >= {from:DateTime64(9, 'UTC')}
        GROUP BY SessionHint
    ) AS k ON k.SessionId = s.SessionId
)
GROUP BY Key, ServiceName
ORDER BY OfOneTurn DESC, Key, ServiceName
LIMIT {limit:UInt32}

CREATE MATERIALIZED VIEW _trace_claims_mv TO _trace_claims
(
    `Project` LowCardinality(String),
    `TraceId` String,
    `Blocks` UInt64,
    `IsDoubtful` UInt8,
    `Best` String,
    `Places` Array(Tuple(
        SessionId String,
        ClaimLevel UInt8,
        ClaimId String)),
    `Start` DateTime64(9),
    `End` DateTime64(9),
    `ReceivedAt` DateTime('UTC')
)
AS SELECT
    Project,
    TraceId,
    toUInt64(1) AS Blocks,
    toUInt8((Rows != `Distinct`) OR arrayExists(place -> (place.SessionId != if((substring(Best, 1, 1) <= '2') AND (place.ClaimLevel = toUInt8OrZero(substring(Best, 1, 1))), place.ClaimId, substring(Best, 11))), Places)) AS IsDoubtful,
    Best,
    Places,
    Start,
    End,
    ReceivedAt
FROM
(
    SELECT
        s.Project AS Project,
        s.TraceId AS TraceId,
        count() AS Rows,
        uniqExact(s.SpanId) AS `Distinct`,
        min(if(s.ClaimLevel < 9, concat(char(48 + s.ClaimLevel, if(s.IsRoot = 0, 49, 48)), reverse(reinterpretAsFixedString(s.StartTimeUnixNano)), s.ClaimId), '9')) AS Best,
        CAST(groupUniqArray(if(s.ClaimLevel <= 2, (s.SessionHint, s.ClaimLevel, s.ClaimId), (s.SessionHint, toUInt8(9), ''))), 'Array(Tuple(SessionId String, ClaimLevel UInt8, ClaimId String))') AS Places,
        min(s.Timestamp) AS Start,
        max(s.Timestamp) AS End,
        max(s.ReceivedAt) AS ReceivedAt
    FROM otel_traces AS s
    GROUP BY
        Project,
        TraceId
)

CREATE MATERIALIZED VIEW _trace_claims_mv TO _trace_claims
(
    `Project` LowCardinality(String),
    `TraceId` String,
    `Rows` UInt64,
    `Spans` Array(UInt32),
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
    s.Project AS Project,
    s.TraceId AS TraceId,
    count() AS Rows,
    groupUniqArray(65536)(toUInt32(bitAnd(cityHash64(s.SpanId), 1048575))) AS Spans,
    min(if(s.ClaimLevel < 9, concat(char(48 + s.ClaimLevel, if(s.IsRoot = 0, 49, 48)), reverse(reinterpretAsFixedString(s.StartTimeUnixNano)), s.ClaimId), '9')) AS Best,
    CAST(groupUniqArray(if(s.ClaimLevel <= 2, (s.SessionHint, s.ClaimLevel, if(s.ClaimId = s.SessionHint, '', s.ClaimId)), (s.SessionHint, toUInt8(9), ''))), 'Array(Tuple(SessionId String, ClaimLevel UInt8, ClaimId String))') AS Places,
    min(s.Timestamp) AS Start,
    max(s.Timestamp) AS End,
    max(s.ReceivedAt) AS ReceivedAt
FROM otel_traces AS s
GROUP BY
    Project,
    TraceId

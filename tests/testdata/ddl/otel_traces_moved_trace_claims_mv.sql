CREATE MATERIALIZED VIEW otel_traces_moved_trace_claims_mv TO trace_claims
(
    `Project` LowCardinality(String),
    `TraceId` String,
    `Best` Tuple(
        UInt8,
        UInt8,
        UInt64,
        String),
    `Places` Array(Tuple(
        String,
        UInt8,
        String,
        Tuple(
            UInt8,
            UInt8,
            UInt64,
            String))),
    `Start` DateTime64(9),
    `End` DateTime64(9),
    `ReceivedAt` DateTime('UTC')
)
AS SELECT
    Project,
    TraceId,
    min((BestLevel, BestNotRoot, BestStart, BestId)) AS Best,
    groupUniqArray((SessionHint, ClaimLevel, ClaimId, (BestLevel, BestNotRoot, BestStart, BestId))) AS Places,
    min(t.Timestamp) AS Start,
    max(t.Timestamp) AS End,
    max(t.ReceivedAt) AS ReceivedAt
FROM otel_traces_moved AS t
GROUP BY
    Project,
    TraceId

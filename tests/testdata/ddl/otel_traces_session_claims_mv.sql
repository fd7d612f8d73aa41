CREATE MATERIALIZED VIEW otel_traces_session_claims_mv TO session_claims
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `TraceId` String,
    `Best` Tuple(
        UInt8,
        UInt8,
        UInt64,
        String)
)
AS SELECT
    Project,
    SessionId,
    TraceId,
    min((BestLevel, BestNotRoot, BestStart, BestId)) AS Best
FROM otel_traces
ARRAY JOIN arrayDistinct([SessionHint, ClaimId]) AS SessionId
WHERE SessionId != ''
GROUP BY
    Project,
    SessionId,
    TraceId

-- The claims of a chunk of spans: their own, not what a receiver had in mind when it stored them.
INSERT INTO {best:Identifier}
SELECT
    Project, TraceId,
    min(if(ClaimLevel < 9, (ClaimLevel, toUInt8(IsRoot = 0), StartTimeUnixNano, ClaimId), (9, 1, 0, ''))) AS Best
FROM otel_traces
WHERE (SessionHint > {low_session:String} OR (SessionHint = {low_session:String} AND TraceId >= {low_trace:String}))
    AND ({last:UInt8} = 1 OR SessionHint < {high_session:String}
        OR (SessionHint = {high_session:String} AND TraceId < {high_trace:String}))
    AND ({all:UInt8} = 1 OR (Project, TraceId) IN (SELECT Project, TraceId FROM {best:Identifier}))
GROUP BY Project, TraceId

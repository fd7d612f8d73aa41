CREATE VIEW otel_traces_trace_id_ts
(
    `TraceId` String,
    `Start` SimpleAggregateFunction(min, DateTime64(9)),
    `End` SimpleAggregateFunction(max, DateTime64(9))
)
AS SELECT
    TraceId,
    min(t.Start) AS Start,
    max(t.End) AS End
FROM trace_claims AS t
GROUP BY TraceId

CREATE VIEW otel_traces_trace_id_ts
(
    `TraceId` String COMMENT '32 lower-case hex digits',
    `Start` DateTime64(9) COMMENT 'start of the first span, UTC',
    `End` DateTime64(9) COMMENT 'start of the last span, UTC'
)
COMMENT 'The times of each trace, for trace views'
AS SELECT
    TraceId,
    min(t.Start) AS Start,
    max(t.End) AS End
FROM _trace_claims AS t
GROUP BY TraceId
HAVING sum(t.Rows) > 0

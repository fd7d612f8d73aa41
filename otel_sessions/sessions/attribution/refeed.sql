-- The places and claims of all rows stored since: an insert that was broken off may have left them out. Where it has not they
-- count twice, so that these traces are looked at whenever they are touched.
INSERT INTO _trace_claims (Project, TraceId, Rows, Spans, IsDoubtful, Best, Places, Start, End, ReceivedAt)
SELECT Project, TraceId, Rows, Spans, 0 AS IsDoubtful, Best, Places, Start, End, ReceivedAt
FROM
(
${../parts/claims_of_traces}
    FROM otel_traces AS s
    WHERE s.ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
    GROUP BY Project, TraceId
)

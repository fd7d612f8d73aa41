-- Where the spans of some traces are stored and what they claim, from the spans themselves.
INSERT INTO _trace_claims (Project, TraceId, Rows, Spans, IsDoubtful, Best, Places, Start, End, ReceivedAt)
SELECT Project, TraceId, Rows, Spans, 1 AS IsDoubtful, Best, Places, Start, End, ReceivedAt
FROM
(
${../parts/claims_of_traces}
    FROM otel_traces AS s
    WHERE (s.Project, s.TraceId) IN (
        SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    GROUP BY Project, TraceId
)

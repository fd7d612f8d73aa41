-- The spans that some sessions have of traces which they share with others.
WITH
known AS
(
${../parts/known_traces}
)
SELECT Project, TraceId, SpanId
FROM
(
${../parts/spans_by_the_rule}
)
WHERE (Project, SessionHint) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))

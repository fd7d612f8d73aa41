-- Results of evaluations that spans carry as events (OpenTelemetry's conventions for generative AI) are scores of theirs.
-- The id is made of trace, span, name and answer: the same event again is the same score, and one that was deleted stays so,
-- as its time is that of the event. The exporter hands such spans to this table once more: a view on otel_traces would be
-- worked out with every insert, and few spans have any.
CREATE TABLE IF NOT EXISTS _evaluated_spans
(
    Project LowCardinality(String) COMMENT 'whose span it is',
    TraceId String COMMENT '32 lower-case hex digits',
    SpanId String COMMENT '16 lower-case hex digits',
    Environment LowCardinality(String) COMMENT 'deployment environment that the span or its resource names',
    ResponseId String COMMENT 'id of the answer of the model',
    `Events.Name` Array(LowCardinality(String)) COMMENT 'names of the events',
    `Events.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'attributes of each event',
    `Events.Timestamp` Array(DateTime64(9)) COMMENT 'when each event was, UTC'
)
ENGINE = Null
COMMENT 'Internal: keeps nothing; spans whose events are results of evaluations';

CREATE MATERIALIZED VIEW IF NOT EXISTS _scores_mv TO _scores AS
SELECT
    e.Project AS Project,
    lower(hex(sipHash128(e.TraceId, e.SpanId, e.Name, e.ResponseId))) AS ScoreId,
    e.TraceId AS TraceId,
    e.SpanId AS SpanId,
    e.Name AS Name,
    multiIf(isNotNull(e.Number), 'NUMERIC', e.Label != '', 'CATEGORICAL', 'TEXT') AS DataType,
    ifNull(e.Number, 0) AS Value,
    multiIf(isNotNull(e.Number), '', e.Label != '', e.Label, e.Explanation) AS StringValue,
    if(DataType = 'TEXT', '', e.Explanation) AS Comment,
    'evaluator' AS Source,
    if(isNotNull(e.Number) AND e.Label != '', toJSONString(map('label', e.Label)), '') AS Metadata,
    if(e.Environment = '', 'default', e.Environment) AS Environment,
    e.At AS Timestamp,
    e.At AS UpdatedAt
FROM
(
    SELECT
        t.Project AS Project, t.TraceId AS TraceId, t.SpanId AS SpanId, t.Environment AS Environment, At,
        Said['gen_ai.evaluation.name'] AS Name,
        if(mapContains(Said, 'gen_ai.response.id'), Said['gen_ai.response.id'], t.ResponseId) AS ResponseId,
        Said['gen_ai.evaluation.score.label'] AS Label,
        Said['gen_ai.evaluation.explanation'] AS Explanation,
        toFloat64OrNull(Said['gen_ai.evaluation.score.value']) AS Stated,
        if(isFinite(Stated), Stated, NULL) AS Number
    FROM _evaluated_spans AS t
    ARRAY JOIN t.`Events.Name` AS Event, t.`Events.Attributes` AS Said, t.`Events.Timestamp` AS At
    WHERE Event = 'gen_ai.evaluation.result'
) AS e
WHERE e.Name != '' AND (isNotNull(e.Number) OR e.Label != '' OR e.Explanation != '');

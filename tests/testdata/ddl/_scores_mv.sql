CREATE MATERIALIZED VIEW _scores_mv TO _scores
(
    `Project` LowCardinality(String),
    `ScoreId` String,
    `TraceId` String,
    `SpanId` String,
    `Name` String,
    `DataType` String,
    `Value` Float64,
    `StringValue` String,
    `Comment` String,
    `Source` String,
    `Metadata` String,
    `Environment` String,
    `Timestamp` DateTime64(9),
    `UpdatedAt` DateTime64(9)
)
AS SELECT
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
    if(isNotNull(e.Number) AND (e.Label != ''), toJSONString(map('label', e.Label)), '') AS Metadata,
    if(e.Environment = '', 'default', e.Environment) AS Environment,
    e.At AS Timestamp,
    e.At AS UpdatedAt
FROM
(
    SELECT
        t.Project AS Project,
        t.TraceId AS TraceId,
        t.SpanId AS SpanId,
        t.Environment AS Environment,
        At,
        Said['gen_ai.evaluation.name'] AS Name,
        if(mapContains(Said, 'gen_ai.response.id'), Said['gen_ai.response.id'], t.ResponseId) AS ResponseId,
        Said['gen_ai.evaluation.score.label'] AS Label,
        Said['gen_ai.evaluation.explanation'] AS Explanation,
        toFloat64OrNull(Said['gen_ai.evaluation.score.value']) AS Stated,
        if(isFinite(Stated), Stated, NULL) AS Number
    FROM _evaluated_spans AS t
    ARRAY JOIN
        t.`Events.Name` AS Event,
        t.`Events.Attributes` AS Said,
        t.`Events.Timestamp` AS At
    WHERE Event = 'gen_ai.evaluation.result'
) AS e
WHERE (e.Name != '') AND (isNotNull(e.Number) OR (e.Label != '') OR (e.Explanation != ''))

CREATE TABLE _evaluated_spans
(
    `Project` LowCardinality(String) COMMENT 'whose span it is',
    `TraceId` String COMMENT '32 lower-case hex digits',
    `SpanId` String COMMENT '16 lower-case hex digits',
    `Environment` LowCardinality(String) COMMENT 'deployment environment that the span or its resource names',
    `ResponseId` String COMMENT 'id of the answer of the model',
    `Events.Name` Array(LowCardinality(String)) COMMENT 'names of the events',
    `Events.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'attributes of each event',
    `Events.Timestamp` Array(DateTime64(9)) COMMENT 'when each event was, UTC'
)
ENGINE = `Null`
COMMENT 'Internal: keeps nothing; spans whose events are results of evaluations'

CREATE TABLE _scores
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise' CODEC(ZSTD(1)),
    `ScoreId` String COMMENT 'id of the score; the same again replaces' CODEC(ZSTD(1)),
    `SessionId` String COMMENT 'session that it was given to; empty for one on a trace or span' CODEC(ZSTD(1)),
    `TraceId` String COMMENT 'trace that it was given to, or empty' CODEC(ZSTD(1)),
    `SpanId` String COMMENT 'span that it was given to, or empty' CODEC(ZSTD(1)),
    `Name` String COMMENT 'what is judged' CODEC(ZSTD(1)),
    `DataType` LowCardinality(String) COMMENT 'NUMERIC, CATEGORICAL, BOOLEAN or TEXT' CODEC(ZSTD(1)),
    `Value` Float64 COMMENT 'the number; 1 and 0 for true and false, 0 for text' CODEC(ZSTD(1)),
    `StringValue` String COMMENT 'the text; True or False for BOOLEAN' CODEC(ZSTD(1)),
    `Comment` String COMMENT 'what was said of it' CODEC(ZSTD(1)),
    `Source` LowCardinality(String) COMMENT 'who judged' CODEC(ZSTD(1)),
    `Metadata` String COMMENT 'JSON, or empty' CODEC(ZSTD(1)),
    `Environment` LowCardinality(String) COMMENT 'deployment environment that was given' CODEC(ZSTD(1)),
    `Timestamp` DateTime64(9, 'UTC') COMMENT 'when it was given, UTC' CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') COMMENT 'when this was said last, UTC; the latest counts' CODEC(ZSTD(1)),
    `IsDeleted` UInt8 COMMENT '1 where it was taken away' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, ScoreId)
SETTINGS index_granularity = 8192
COMMENT 'Internal: scores as they were given, on a session, a trace or a span, deleted ones marked'

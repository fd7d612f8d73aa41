-- The best claim of each trace by what its stored spans claim themselves; a trace may have several rows until they merge.
CREATE TABLE {best:Identifier}
(
    Project LowCardinality(String),
    TraceId String,
    Best SimpleAggregateFunction(min, Tuple(Level UInt8, NotRoot UInt8, Start UInt64, Id String))
)
ENGINE = AggregatingMergeTree
ORDER BY (Project, TraceId)

-- What scores of a name have to be; who judges picks from these, and what is stored through REST is held against them.
CREATE TABLE IF NOT EXISTS _score_configs
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    Name String CODEC(ZSTD(1)),
    DataType LowCardinality(String) CODEC(ZSTD(1)), -- as _scores has it
    MinValue Nullable(Float64) CODEC(ZSTD(1)), -- of NUMERIC; NULL is no bound
    MaxValue Nullable(Float64) CODEC(ZSTD(1)),
    Categories String CODEC(ZSTD(1)), -- of CATEGORICAL: JSON, a list of objects with value and label
    Description String CODEC(ZSTD(1)),
    IsArchived UInt8 CODEC(ZSTD(1)), -- no longer offered, nor held against
    CreatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, Name);

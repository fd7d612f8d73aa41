-- What `otel-sessions attach` has read of the tables of others, by the numbers of the blocks that their parts are made of.
CREATE TABLE IF NOT EXISTS _attached_parts
(
    Source String COMMENT 'the table, by its uuid',
    Partition String COMMENT 'a partition of it',
    MinBlock UInt64 COMMENT 'the first of the blocks that were read',
    MaxBlock UInt64 COMMENT 'the last of them',
    Part String COMMENT 'the part that is being read; empty where all of the blocks were',
    Rows UInt64 COMMENT 'how many of its rows were read',
    UpdatedAt DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'of several rows the latest counts, UTC'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Source, Partition, MinBlock)
COMMENT 'Internal: how far the tables of others have been read';

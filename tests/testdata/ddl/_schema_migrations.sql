CREATE TABLE _schema_migrations
(
    `Version` UInt32,
    `Name` String,
    `Checksum` String,
    `AppliedAt` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(AppliedAt)
ORDER BY Version
SETTINGS index_granularity = 8192
COMMENT 'Internal: the migrations that this database has had'

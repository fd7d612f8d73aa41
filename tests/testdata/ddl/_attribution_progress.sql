CREATE TABLE _attribution_progress
(
    `Receiver` String COMMENT 'who stores',
    `Through` DateTime('UTC') COMMENT 'all that it stored before is looked at',
    `UpdatedAt` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when this was noted'
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY Receiver
SETTINGS index_granularity = 8192
COMMENT 'Internal: how far each receiver is with its traces in doubt'

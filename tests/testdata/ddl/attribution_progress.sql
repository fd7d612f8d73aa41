CREATE TABLE attribution_progress
(
    `Receiver` String,
    `Through` DateTime('UTC'),
    `UpdatedAt` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY Receiver
SETTINGS index_granularity = 8192

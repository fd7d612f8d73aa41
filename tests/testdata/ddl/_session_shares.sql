CREATE TABLE _session_shares
(
    `TokenHash` String CODEC(ZSTD(1)),
    `Project` LowCardinality(String) CODEC(ZSTD(1)),
    `SessionId` String CODEC(ZSTD(1)),
    `CreatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `ExpiresAt` Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    `UpdatedAt` DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    `IsDeleted` UInt8 CODEC(ZSTD(1)),
    `IsFrozen` UInt8 CODEC(ZSTD(1)),
    `Hide` Array(String) CODEC(ZSTD(1)),
    `HideRoles` Array(String) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY TokenHash
SETTINGS index_granularity = 8192

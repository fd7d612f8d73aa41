-- What a link shows: the session as it is, or as it was when it was published, and what of it is hidden.
ALTER TABLE _session_shares ADD COLUMN IF NOT EXISTS IsFrozen UInt8 CODEC(ZSTD(1));
ALTER TABLE _session_shares ADD COLUMN IF NOT EXISTS Hide Array(String) CODEC(ZSTD(1));
ALTER TABLE _session_shares ADD COLUMN IF NOT EXISTS HideRoles Array(String) CODEC(ZSTD(1));

CREATE OR REPLACE VIEW session_shares
(
    Project LowCardinality(String) COMMENT 'whose session it is',
    SessionId String COMMENT 'the session that is published',
    CreatedAt DateTime64(9, 'UTC') COMMENT 'when it was published, UTC',
    ExpiresAt Nullable(DateTime64(9, 'UTC')) COMMENT 'until when its link works, UTC; NULL for ever',
    Mode LowCardinality(String) COMMENT 'live, or frozen: as it was when it was published',
    Hide Array(String) COMMENT 'what the link does not show: user_ids, metadata',
    HideRoles Array(String) COMMENT 'roles of the messages that the link does not show'
)
AS SELECT
    s.Project AS Project, s.SessionId AS SessionId, s.CreatedAt AS CreatedAt, s.ExpiresAt AS ExpiresAt,
    CAST(if(s.IsFrozen, 'frozen', 'live'), 'LowCardinality(String)') AS Mode, s.Hide AS Hide, s.HideRoles AS HideRoles
FROM _session_shares AS s FINAL
WHERE s.IsDeleted = 0 AND (s.ExpiresAt IS NULL OR s.ExpiresAt > now64(9, 'UTC'))
COMMENT 'One row a link that publishes a session and works now';

-- A frozen link has a copy of its own: what arrives later, replaces a span or moves one to another session is not in it.
CREATE TABLE IF NOT EXISTS _shared_turns
ENGINE = MergeTree
ORDER BY (Project, TokenHash, TraceId, Minute)
TTL ExpiresAt
EMPTY AS SELECT '' AS TokenHash, toDateTime('2100-01-01 00:00:00', 'UTC') AS ExpiresAt, * FROM _turn_minutes;

CREATE TABLE IF NOT EXISTS _shared_spans
ENGINE = MergeTree
ORDER BY (Project, TokenHash, TraceId, SpanId)
TTL ExpiresAt
EMPTY AS SELECT '' AS TokenHash, toDateTime('2100-01-01 00:00:00', 'UTC') AS ExpiresAt, * FROM session_spans;

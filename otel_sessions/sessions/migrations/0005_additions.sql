-- What people add to sessions, beside their scores. Each table merges to its newest row; what is taken back stays as a
-- mark (IsDeleted), so that of two writers the later one wins whatever the order they arrive in. Users read the views.

CREATE TABLE IF NOT EXISTS _session_bookmarks
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    CreatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId);

CREATE OR REPLACE VIEW session_bookmarks
(
    Project LowCardinality(String) COMMENT 'whose session it is',
    SessionId String COMMENT 'the session that is starred',
    CreatedAt DateTime64(9, 'UTC') COMMENT 'when it was starred, UTC'
)
AS SELECT b.Project AS Project, b.SessionId AS SessionId, b.CreatedAt AS CreatedAt
FROM _session_bookmarks AS b FINAL
WHERE b.IsDeleted = 0
COMMENT 'One row a session that an operator starred';

CREATE TABLE IF NOT EXISTS _session_labels
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    Label String CODEC(ZSTD(1)),
    CreatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId, Label);

-- Labels that stand.
CREATE OR REPLACE VIEW _labels AS
SELECT l.Project AS Project, l.SessionId AS SessionId, l.Label AS Label, l.CreatedAt AS CreatedAt
FROM _session_labels AS l FINAL
WHERE l.IsDeleted = 0;

CREATE TABLE IF NOT EXISTS _session_comments
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    CommentId String CODEC(ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    Text String CODEC(ZSTD(1)),
    CreatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId, CommentId);

CREATE OR REPLACE VIEW session_comments
(
    Project LowCardinality(String) COMMENT 'whose session it is',
    SessionId String COMMENT 'the session that the comment is on',
    CommentId String COMMENT 'the id of the comment',
    TraceId String COMMENT 'the turn that it is about, or empty',
    SpanId String COMMENT 'the span that it is about, or empty',
    Text String COMMENT 'what it says',
    CreatedAt DateTime64(9, 'UTC') COMMENT 'when it was written, UTC'
)
AS SELECT
    c.Project AS Project, c.SessionId AS SessionId, c.CommentId AS CommentId, c.TraceId AS TraceId, c.SpanId AS SpanId,
    c.Text AS Text, c.CreatedAt AS CreatedAt
FROM _session_comments AS c FINAL
WHERE c.IsDeleted = 0
COMMENT 'One row a comment on a session, on a turn or a span of it';

-- Only hashes of tokens: who reads the table cannot open what is shared.
CREATE TABLE IF NOT EXISTS _session_shares
(
    TokenHash String CODEC(ZSTD(1)),
    Project LowCardinality(String) CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    CreatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    ExpiresAt Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY TokenHash;

CREATE OR REPLACE VIEW session_shares
(
    Project LowCardinality(String) COMMENT 'whose session it is',
    SessionId String COMMENT 'the session that is published',
    CreatedAt DateTime64(9, 'UTC') COMMENT 'when it was published, UTC',
    ExpiresAt Nullable(DateTime64(9, 'UTC')) COMMENT 'until when its link works, UTC; NULL for ever'
)
AS SELECT s.Project AS Project, s.SessionId AS SessionId, s.CreatedAt AS CreatedAt, s.ExpiresAt AS ExpiresAt
FROM _session_shares AS s FINAL
WHERE s.IsDeleted = 0 AND (s.ExpiresAt IS NULL OR s.ExpiresAt > now64(9, 'UTC'))
COMMENT 'One row a link that publishes a session and works now';

CREATE TABLE IF NOT EXISTS _saved_views
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    Name String CODEC(ZSTD(1)),
    Query String CODEC(ZSTD(1)),
    Sort String CODEC(ZSTD(1)),
    `Order` String CODEC(ZSTD(1)),
    Columns Array(String) CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, Name);

-- Jobs that delete sessions by a query; a service that starts goes on with those that were cut short.
CREATE TABLE IF NOT EXISTS _deletions
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    DeletionId String CODEC(ZSTD(1)),
    Query String CODEC(ZSTD(1)),
    FromTime Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    ToTime Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    State LowCardinality(String) CODEC(ZSTD(1)), -- running, done, failed
    Found UInt64 CODEC(ZSTD(1)),
    Deleted UInt64 CODEC(ZSTD(1)),
    Error String CODEC(ZSTD(1)),
    CreatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, DeletionId);

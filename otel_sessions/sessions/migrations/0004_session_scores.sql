-- Scores as they were given. The same id again replaces; one that is deleted stays as a mark, so that a late repetition does
-- not bring it back.

CREATE TABLE IF NOT EXISTS _scores
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise' CODEC(ZSTD(1)),
    ScoreId String COMMENT 'id of the score; the same again replaces' CODEC(ZSTD(1)),
    SessionId String COMMENT 'session that it was given to; empty for one on a trace or span' CODEC(ZSTD(1)),
    TraceId String COMMENT 'trace that it was given to, or empty' CODEC(ZSTD(1)),
    SpanId String COMMENT 'span that it was given to, or empty' CODEC(ZSTD(1)),
    Name String COMMENT 'what is judged' CODEC(ZSTD(1)),
    DataType LowCardinality(String) COMMENT 'NUMERIC, CATEGORICAL, BOOLEAN or TEXT' CODEC(ZSTD(1)),
    Value Float64 COMMENT 'the number; 1 and 0 for true and false, 0 for text' CODEC(ZSTD(1)),
    StringValue String COMMENT 'the text; True or False for BOOLEAN' CODEC(ZSTD(1)),
    Comment String COMMENT 'what was said of it' CODEC(ZSTD(1)),
    Source LowCardinality(String) COMMENT 'who judged' CODEC(ZSTD(1)),
    Metadata String COMMENT 'JSON, or empty' CODEC(ZSTD(1)),
    Environment LowCardinality(String) COMMENT 'deployment environment that was given' CODEC(ZSTD(1)),
    Timestamp DateTime64(9, 'UTC') COMMENT 'when it was given, UTC' CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') COMMENT 'when this was said last, UTC; the latest counts' CODEC(ZSTD(1)),
    IsDeleted UInt8 COMMENT '1 where it was taken away' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, ScoreId)
COMMENT 'Internal: scores as they were given, on a session, a trace or a span, deleted ones marked';

-- The scores of each session: its own, those of the traces whose best claim it is, and those of its spans.
CREATE OR REPLACE VIEW session_scores
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    SessionId String COMMENT 'session that the score belongs to, also where it was given to a trace or span',
    ScoreId String COMMENT 'id of the score; the same again replaces',
    TraceId String COMMENT 'trace that it was given to, or empty',
    SpanId String COMMENT 'span that it was given to, or empty',
    Name String COMMENT 'what is judged',
    DataType LowCardinality(String) COMMENT 'NUMERIC, CATEGORICAL, BOOLEAN or TEXT',
    Value Float64 COMMENT 'the number; 1 and 0 for true and false, 0 for text',
    StringValue String COMMENT 'the text; True or False for BOOLEAN',
    Comment String COMMENT 'what was said of it',
    Source LowCardinality(String) COMMENT 'who judged',
    Metadata String COMMENT 'JSON, or empty',
    Environment LowCardinality(String) COMMENT 'deployment environment that was given',
    Timestamp DateTime64(9, 'UTC') COMMENT 'when it was given, UTC',
    UpdatedAt DateTime64(9, 'UTC') COMMENT 'when this was said last, UTC; the latest counts'
)
AS
SELECT
    own.Project AS Project, own.SessionId AS SessionId, own.ScoreId AS ScoreId, own.TraceId AS TraceId, own.SpanId AS SpanId, own.Name AS Name, own.DataType AS DataType, own.Value AS Value,
    own.StringValue AS StringValue, own.Comment AS Comment, own.Source AS Source, own.Metadata AS Metadata, own.Environment AS Environment, own.Timestamp AS Timestamp, own.UpdatedAt AS UpdatedAt
FROM _scores AS own FINAL
WHERE own.IsDeleted = 0 AND own.SessionId != ''
UNION ALL
SELECT
    t.Project AS Project, t.SessionId AS SessionId, s.ScoreId AS ScoreId, s.TraceId AS TraceId, s.SpanId AS SpanId, s.Name AS Name, s.DataType AS DataType, s.Value AS Value,
    s.StringValue AS StringValue, s.Comment AS Comment, s.Source AS Source, s.Metadata AS Metadata, s.Environment AS Environment, s.Timestamp AS Timestamp, s.UpdatedAt AS UpdatedAt
FROM
(
    -- Of two versions of a span only one claims, which the correction knows.
    SELECT Project, TraceId, argMax(BestId, Seen) AS SessionId
    FROM
    (
        SELECT c.Project AS Project, c.TraceId AS TraceId, substring(min(c.Best), 11) AS BestId, toInt64(-1) AS Seen
        FROM _trace_claims AS c
        WHERE (c.Project, c.TraceId) IN (
            SELECT Project, TraceId FROM _scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId = '')
        GROUP BY Project, TraceId
        UNION ALL
        SELECT Project, TraceId, TraceSession AS BestId, toInt64(Seen) AS Seen
        FROM _corrections
        WHERE (Project, TraceId) IN (
            SELECT Project, TraceId FROM _scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId = '')
    )
    GROUP BY Project, TraceId
    HAVING SessionId != ''
) AS t
INNER JOIN
(
    SELECT * FROM _scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId = ''
) AS s ON s.Project = t.Project AND s.TraceId = t.TraceId
UNION ALL
SELECT
    t.Project AS Project, t.SessionId AS SessionId, s.ScoreId AS ScoreId, s.TraceId AS TraceId, s.SpanId AS SpanId, s.Name AS Name, s.DataType AS DataType, s.Value AS Value,
    s.StringValue AS StringValue, s.Comment AS Comment, s.Source AS Source, s.Metadata AS Metadata, s.Environment AS Environment, s.Timestamp AS Timestamp, s.UpdatedAt AS UpdatedAt
FROM
(
    SELECT DISTINCT Project, SessionId, TraceId, SpanId
    FROM session_spans
    WHERE TraceId IN (SELECT TraceId FROM _scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId != '')
) AS t
INNER JOIN
(
    SELECT * FROM _scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId != ''
) AS s ON s.Project = t.Project AND s.TraceId = t.TraceId AND s.SpanId = t.SpanId
COMMENT 'The scores of each session, of its traces and of its spans';

-- What arrives for these within a time is dropped.
CREATE TABLE IF NOT EXISTS _forgotten
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise' CODEC(ZSTD(1)),
    SessionId String COMMENT 'id of the session' CODEC(ZSTD(1)),
    Traces Array(String) COMMENT 'traces that it had alone' CODEC(ZSTD(1)),
    DeletedAt DateTime64(9, 'UTC') COMMENT 'when it was deleted, UTC' CODEC(ZSTD(1)),
    Until DateTime64(9, 'UTC') COMMENT 'what arrives before stays away, UTC; the last second of 2261 for ever' CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') COMMENT 'when this was said last, UTC; the latest counts' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, SessionId)
COMMENT 'Internal: sessions that were deleted';

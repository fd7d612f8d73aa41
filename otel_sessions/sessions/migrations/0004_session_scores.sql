-- Scores as they were given: on a session, on a trace, or on a span of a trace. The same id again replaces; one that is
-- deleted stays as a mark, so that a late repetition does not bring it back.
CREATE TABLE IF NOT EXISTS scores
(
    Project LowCardinality(String) CODEC(ZSTD(1)),
    ScoreId String CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)), -- empty for a score on a trace
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    Name String CODEC(ZSTD(1)),
    DataType LowCardinality(String) CODEC(ZSTD(1)), -- NUMERIC, CATEGORICAL, BOOLEAN, TEXT
    Value Float64 CODEC(ZSTD(1)),
    StringValue String CODEC(ZSTD(1)),
    Comment String CODEC(ZSTD(1)),
    Source LowCardinality(String) CODEC(ZSTD(1)),
    Metadata String CODEC(ZSTD(1)), -- JSON, or empty
    Environment LowCardinality(String) CODEC(ZSTD(1)),
    Timestamp DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    UpdatedAt DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    IsDeleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Project, ScoreId);

-- The scores of each session: its own, those of the traces whose best claim it is, and those of its spans.
CREATE OR REPLACE VIEW session_scores AS
SELECT
    own.Project AS Project, own.SessionId AS SessionId, own.ScoreId AS ScoreId, own.TraceId AS TraceId,
    own.SpanId AS SpanId, own.Name AS Name, own.DataType AS DataType, own.Value AS Value,
    own.StringValue AS StringValue, own.Comment AS Comment, own.Source AS Source, own.Metadata AS Metadata,
    own.Environment AS Environment, own.Timestamp AS Timestamp, own.UpdatedAt AS UpdatedAt
FROM scores AS own FINAL
WHERE own.IsDeleted = 0 AND own.SessionId != ''
UNION ALL
SELECT
    t.Project AS Project, t.SessionId AS SessionId, s.ScoreId AS ScoreId, s.TraceId AS TraceId,
    s.SpanId AS SpanId, s.Name AS Name, s.DataType AS DataType, s.Value AS Value,
    s.StringValue AS StringValue, s.Comment AS Comment, s.Source AS Source, s.Metadata AS Metadata,
    s.Environment AS Environment, s.Timestamp AS Timestamp, s.UpdatedAt AS UpdatedAt
FROM
(
    SELECT c.Project AS Project, c.SessionId AS SessionId, c.TraceId AS TraceId
    FROM session_claims AS c
    GROUP BY Project, SessionId, TraceId
    HAVING min(c.Best).Id = SessionId
) AS t
INNER JOIN
(
    SELECT * FROM scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId = ''
) AS s ON s.Project = t.Project AND s.TraceId = t.TraceId
UNION ALL
SELECT
    m.Project AS Project, m.SessionId AS SessionId, s.ScoreId AS ScoreId, s.TraceId AS TraceId,
    s.SpanId AS SpanId, s.Name AS Name, s.DataType AS DataType, s.Value AS Value,
    s.StringValue AS StringValue, s.Comment AS Comment, s.Source AS Source, s.Metadata AS Metadata,
    s.Environment AS Environment, s.Timestamp AS Timestamp, s.UpdatedAt AS UpdatedAt
FROM session_members AS m
INNER JOIN
(
    SELECT * FROM scores FINAL WHERE IsDeleted = 0 AND SessionId = '' AND SpanId != ''
) AS s ON s.Project = m.Project AND s.TraceId = m.TraceId AND s.SpanId = m.SpanId;

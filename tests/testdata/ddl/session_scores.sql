CREATE VIEW session_scores
(
    `Project` LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    `SessionId` String COMMENT 'session that the score belongs to, also where it was given to a trace or span',
    `ScoreId` String COMMENT 'id of the score; the same again replaces',
    `TraceId` String COMMENT 'trace that it was given to, or empty',
    `SpanId` String COMMENT 'span that it was given to, or empty',
    `Name` String COMMENT 'what is judged',
    `DataType` LowCardinality(String) COMMENT 'NUMERIC, CATEGORICAL, BOOLEAN or TEXT',
    `Value` Float64 COMMENT 'the number; 1 and 0 for true and false, 0 for text',
    `StringValue` String COMMENT 'the text; True or False for BOOLEAN',
    `Comment` String COMMENT 'what was said of it',
    `Source` LowCardinality(String) COMMENT 'who judged',
    `Metadata` String COMMENT 'JSON, or empty',
    `Environment` LowCardinality(String) COMMENT 'deployment environment that was given',
    `Timestamp` DateTime64(9, 'UTC') COMMENT 'when it was given, UTC',
    `UpdatedAt` DateTime64(9, 'UTC') COMMENT 'when this was said last, UTC; the latest counts'
)
COMMENT 'The scores of each session, of its traces and of its spans'
AS SELECT
    own.Project AS Project,
    own.SessionId AS SessionId,
    own.ScoreId AS ScoreId,
    own.TraceId AS TraceId,
    own.SpanId AS SpanId,
    own.Name AS Name,
    own.DataType AS DataType,
    own.Value AS Value,
    own.StringValue AS StringValue,
    own.Comment AS Comment,
    own.Source AS Source,
    own.Metadata AS Metadata,
    own.Environment AS Environment,
    own.Timestamp AS Timestamp,
    own.UpdatedAt AS UpdatedAt
FROM _scores AS own
FINAL
WHERE (own.IsDeleted = 0) AND (own.SessionId != '')
UNION ALL
SELECT
    t.Project AS Project,
    t.SessionId AS SessionId,
    s.ScoreId AS ScoreId,
    s.TraceId AS TraceId,
    s.SpanId AS SpanId,
    s.Name AS Name,
    s.DataType AS DataType,
    s.Value AS Value,
    s.StringValue AS StringValue,
    s.Comment AS Comment,
    s.Source AS Source,
    s.Metadata AS Metadata,
    s.Environment AS Environment,
    s.Timestamp AS Timestamp,
    s.UpdatedAt AS UpdatedAt
FROM
(
    SELECT
        Project,
        TraceId,
        argMax(BestId, Seen) AS SessionId
    FROM
    (
        SELECT
            c.Project AS Project,
            c.TraceId AS TraceId,
            substring(min(c.Best), 11) AS BestId,
            toInt64(-1) AS Seen
        FROM _trace_claims AS c
        WHERE (c.Project, c.TraceId) IN (
            SELECT
                Project,
                TraceId
            FROM _scores
            FINAL
            WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId = '')
        )
        GROUP BY
            Project,
            TraceId
        UNION ALL
        SELECT
            Project,
            TraceId,
            TraceSession AS BestId,
            toInt64(Seen) AS Seen
        FROM _corrections
        WHERE (Project, TraceId) IN (
            SELECT
                Project,
                TraceId
            FROM _scores
            FINAL
            WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId = '')
        )
    )
    GROUP BY
        Project,
        TraceId
    HAVING SessionId != ''
) AS t
INNER JOIN
(
    SELECT *
    FROM _scores
    FINAL
    WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId = '')
) AS s ON (s.Project = t.Project) AND (s.TraceId = t.TraceId)
UNION ALL
SELECT
    t.Project AS Project,
    t.SessionId AS SessionId,
    s.ScoreId AS ScoreId,
    s.TraceId AS TraceId,
    s.SpanId AS SpanId,
    s.Name AS Name,
    s.DataType AS DataType,
    s.Value AS Value,
    s.StringValue AS StringValue,
    s.Comment AS Comment,
    s.Source AS Source,
    s.Metadata AS Metadata,
    s.Environment AS Environment,
    s.Timestamp AS Timestamp,
    s.UpdatedAt AS UpdatedAt
FROM
(
    SELECT DISTINCT
        Project,
        SessionId,
        TraceId,
        SpanId
    FROM session_spans
    WHERE TraceId IN (
        SELECT TraceId
        FROM _scores
        FINAL
        WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId != '')
    )
) AS t
INNER JOIN
(
    SELECT *
    FROM _scores
    FINAL
    WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId != '')
) AS s ON (s.Project = t.Project) AND (s.TraceId = t.TraceId) AND (s.SpanId = t.SpanId)

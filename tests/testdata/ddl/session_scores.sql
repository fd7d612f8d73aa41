CREATE VIEW session_scores
(
    `Project` LowCardinality(String),
    `SessionId` String,
    `ScoreId` String,
    `TraceId` String,
    `SpanId` String,
    `Name` String,
    `DataType` LowCardinality(String),
    `Value` Float64,
    `StringValue` String,
    `Comment` String,
    `Source` LowCardinality(String),
    `Metadata` String,
    `Environment` LowCardinality(String),
    `Timestamp` DateTime64(9, 'UTC'),
    `UpdatedAt` DateTime64(9, 'UTC')
)
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
FROM scores AS own
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
        c.Project AS Project,
        c.SessionId AS SessionId,
        c.TraceId AS TraceId
    FROM session_claims AS c
    GROUP BY
        Project,
        SessionId,
        TraceId
    HAVING tupleElement(min(c.Best), 'Id') = SessionId
) AS t
INNER JOIN
(
    SELECT *
    FROM scores
    FINAL
    WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId = '')
) AS s ON (s.Project = t.Project) AND (s.TraceId = t.TraceId)
UNION ALL
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
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
FROM session_members AS m
INNER JOIN
(
    SELECT *
    FROM scores
    FINAL
    WHERE (IsDeleted = 0) AND (SessionId = '') AND (SpanId != '')
) AS s ON (s.Project = m.Project) AND (s.TraceId = m.TraceId) AND (s.SpanId = m.SpanId)

-- Scores, the latest first, with how many there are. With a session all of that session, those of its traces included.
SELECT *, count() OVER () AS Total
FROM
(
    SELECT
        SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
        Timestamp, UpdatedAt
    FROM session_scores
    WHERE {session_id:String} != '' AND Project = {project:String} AND SessionId = {session_id:String}
    UNION ALL
    SELECT
        SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
        Timestamp, UpdatedAt
    FROM _scores FINAL
    WHERE {session_id:String} = '' AND Project = {project:String} AND IsDeleted = 0
)
WHERE ({trace_id:String} = '' OR TraceId = {trace_id:String})
    AND ({name:String} = '' OR Name = {name:String})
    AND ({data_type:String} = '' OR DataType = {data_type:String})
ORDER BY Timestamp DESC, ScoreId
LIMIT {limit:UInt32} OFFSET {offset:UInt32}

SELECT
    SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
    Timestamp, UpdatedAt
FROM session_scores
WHERE Project = {project:String} AND SessionId = {session_id:String} AND ScoreId > {behind:String}
ORDER BY ScoreId
LIMIT {limit:UInt32}

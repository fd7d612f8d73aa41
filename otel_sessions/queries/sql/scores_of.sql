SELECT
    SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
    Timestamp, UpdatedAt
FROM session_scores
WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)}
ORDER BY Timestamp DESC, ScoreId

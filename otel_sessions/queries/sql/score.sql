SELECT
    SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
    Timestamp, UpdatedAt
FROM _scores FINAL
WHERE Project = {project:String} AND ScoreId = {score_id:String} AND IsDeleted = 0

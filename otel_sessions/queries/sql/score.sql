SELECT
    SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
    Timestamp, UpdatedAt
FROM scores FINAL
WHERE Project = {project:String} AND ScoreId = {score_id:String} AND IsDeleted = 0

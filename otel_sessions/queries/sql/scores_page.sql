-- Scores, the latest first, with how many there are. With sessions all of those sessions, those of their traces included.
SELECT *, count() OVER () AS Total
FROM
(
    SELECT
        SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
        Timestamp, UpdatedAt
    FROM session_scores
    WHERE notEmpty({session_ids:Array(String)}) AND Project = {project:String} AND SessionId IN {session_ids:Array(String)}
    UNION ALL
    SELECT
        SessionId, ScoreId, TraceId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment,
        Timestamp, UpdatedAt
    FROM _scores FINAL
    WHERE empty({session_ids:Array(String)}) AND Project = {project:String} AND IsDeleted = 0
)
WHERE (empty({trace_ids:Array(String)}) OR TraceId IN {trace_ids:Array(String)})
    AND (empty({span_ids:Array(String)}) OR SpanId IN {span_ids:Array(String)})
    AND (empty({score_ids:Array(String)}) OR ScoreId IN {score_ids:Array(String)})
    AND (empty({names:Array(String)}) OR Name IN {names:Array(String)})
    AND (empty({sources:Array(String)}) OR Source IN {sources:Array(String)})
    AND (empty({data_types:Array(String)}) OR DataType IN {data_types:Array(String)})
    AND (empty({environments:Array(String)}) OR Environment IN {environments:Array(String)})
    AND (empty({numbers:Array(Float64)}) OR Value IN {numbers:Array(Float64)})
    AND (empty({texts:Array(String)}) OR StringValue IN {texts:Array(String)})
    AND Value >= {at_least:Float64} AND Value <= {at_most:Float64}
    AND Timestamp >= {from:DateTime64(9, 'UTC')} AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND (Timestamp < {last:DateTime64(9, 'UTC')}
        OR Timestamp = {last:DateTime64(9, 'UTC')} AND ScoreId > {behind:String})
ORDER BY Timestamp DESC, ScoreId
LIMIT {limit:UInt32} OFFSET {offset:UInt32}

-- Models whose calls have tokens, and neither a stated cost nor a price.
SELECT toString(Model) AS Model, count() AS CallCount, sum(TotalTokens) AS TotalTokens, uniqExact(SessionId) AS SessionCount
FROM session_spans
WHERE Project = {project:String} AND IsUnpriced = 1 AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND Timestamp <= {to:DateTime64(9, 'UTC')}
GROUP BY Model
ORDER BY CallCount DESC, Model
LIMIT {limit:UInt32}

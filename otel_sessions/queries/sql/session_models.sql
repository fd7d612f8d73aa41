-- Tokens and cost of a session by model, and how many calls of it have no price; what cost most first.
SELECT
    toString(s.Model) AS Model, sum(s.TotalTokens) AS TotalTokens, toFloat64(sum(s.Cost)) AS Cost,
    countIf(s.IsUnpriced = 1) AS UnpricedCalls
FROM session_spans AS s
WHERE s.Project = {project:String} AND s.SessionId = {session_id:String} AND s.Model != ''
    AND (s.TotalTokens > 0 OR s.Cost > 0)
GROUP BY Model
ORDER BY Cost DESC, TotalTokens DESC, Model

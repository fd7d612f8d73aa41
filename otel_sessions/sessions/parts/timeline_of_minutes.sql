SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.Minute AS Minute,
    uniqExact(m.TraceId) AS TraceCount,
    sum(m.SpanCount) AS SpanCount,
    sum(m.ErrorCount) AS ErrorCount,
    sum(m.InputTokens) AS InputTokens,
    sum(m.OutputTokens) AS OutputTokens,
    sum(m.TotalTokens) AS TotalTokens,
    toFloat64(sum(m.Cost)) AS Cost
FROM _turn_minutes AS m
WHERE m.SpanCount > 0
GROUP BY Project, SessionId, Minute
ORDER BY Project, SessionId, Minute

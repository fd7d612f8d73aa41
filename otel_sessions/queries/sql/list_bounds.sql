-- At most what each session can have of a key, the greatest first: what was summed at the insert, and on top of it what
-- corrections say. SUPERSET holds for every session that is looked for, and for others too.
SELECT SessionId, KEY AS Bound
FROM
(
    SELECT
        SessionId, FirstStart, LastEnd, Minutes AS TraceCount, SpanCount, ErrorCount, TotalTokens, InputTokens,
        OutputTokens, Cost, UserIds, ServiceNames, Environments, Models, Tags, Tools, Agents
    FROM _session_activity
    WHERE Project = {project:String}
    UNION ALL
    SELECT
        SessionId,
        arrayMin(`Minutes.FirstStart`) AS FirstStart,
        arrayMax(`Minutes.LastEnd`) AS LastEnd,
        length(`Minutes.Minute`) AS TraceCount,
        arraySum(`Minutes.SpanCount`) AS SpanCount,
        arraySum(`Minutes.ErrorCount`) AS ErrorCount,
        arraySum(`Minutes.TotalTokens`) AS TotalTokens,
        arraySum(`Minutes.InputTokens`) AS InputTokens,
        arraySum(`Minutes.OutputTokens`) AS OutputTokens,
        arraySum(`Minutes.Cost`) AS Cost,
        arrayFlatten(`Minutes.UserIds`) AS UserIds,
        arrayFlatten(`Minutes.ServiceNames`) AS ServiceNames,
        arrayFlatten(`Minutes.Environments`) AS Environments,
        arrayFlatten(`Minutes.Models`) AS Models,
        arrayFlatten(`Minutes.Tags`) AS Tags,
        arrayFlatten(`Minutes.Tools`) AS Tools,
        arrayFlatten(`Minutes.Agents`) AS Agents
    FROM _corrections
    WHERE Project = {project:String} AND notEmpty(`Minutes.Minute`)
)
GROUP BY SessionId
HAVING SUPERSET
ORDER BY Bound DESC
LIMIT {limit:UInt32}

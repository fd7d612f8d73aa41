-- What was summed of turns and not told of their sessions, as an insert was broken off: the bounds of these are what their turns
-- come to, or more. `told` are the sessions given with the sums that are missing, none where that is nothing. What is not summed
-- is there or is not, whoever told it. Of shards any will do.
INSERT INTO _session_activity
SETTINGS insert_distributed_one_random_shard = 1
WITH arrayResize(g.Sums, 14) AS missing
SELECT t.* REPLACE (
    missing[1] AS Minutes, missing[2] AS Rows, missing[3] AS SpanCount, missing[4] AS ErrorCount,
    missing[5] AS InputTokens, missing[6] AS OutputTokens, missing[7] AS TotalTokens, missing[8] AS CachedInputTokens,
    missing[9] AS CacheCreationInputTokens, missing[10] AS ReasoningTokens, missing[11] AS Cost,
    missing[12] AS ModelCalls, missing[13] AS UnpricedCalls, missing[14] AS ToolCalls)
${activity_beside_given}
LEFT JOIN
(
    SELECT
        b.Project AS Project, b.SessionId AS SessionId, min(b.FirstStart) AS FirstStart, max(b.LastEnd) AS LastEnd,
        groupUniqArrayArray(1024)(b.Spells) AS Spells, groupUniqArrayArray(b.UserIds) AS UserIds,
        groupUniqArrayArray(b.ServiceNames) AS ServiceNames, groupUniqArrayArray(b.Environments) AS Environments,
        groupUniqArrayArray(b.Models) AS Models, groupUniqArrayArray(b.Tags) AS Tags,
        groupUniqArrayArray(b.Tools) AS Tools, groupUniqArrayArray(b.Agents) AS Agents,
        groupBitOr(b.MetadataSieve) AS MetadataSieve, maxMap(b.Metadata) AS Metadata
    FROM _session_activity AS b
    WHERE (b.Project, b.SessionId) IN (
        SELECT given.1, given.2 FROM (SELECT arrayJoin({told:Array(Tuple(String, String, Array(Decimal(38, 12))))}) AS given))
    GROUP BY b.Project, b.SessionId
) AS a ON a.Project = t.Project AND a.SessionId = t.SessionId
WHERE arrayExists(total -> total > 0, missing)
    OR t.FirstStart < a.FirstStart OR t.LastEnd > a.LastEnd
    OR (length(a.Spells) < 1024 AND NOT hasAll(a.Spells, t.Spells))
    OR NOT hasAll(a.UserIds, t.UserIds) OR NOT hasAll(a.ServiceNames, t.ServiceNames)
    OR NOT hasAll(a.Environments, t.Environments) OR NOT hasAll(a.Models, t.Models) OR NOT hasAll(a.Tags, t.Tags)
    OR NOT hasAll(a.Tools, t.Tools) OR NOT hasAll(a.Agents, t.Agents)
    OR bitOr(a.MetadataSieve, t.MetadataSieve) != a.MetadataSieve
    OR arrayReduce('maxMap', [a.Metadata, t.Metadata]) != a.Metadata

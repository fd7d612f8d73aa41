-- At most what each session can have of a key, the greatest first: what was summed at the insert, and by how much corrections
-- say more. SUPERSET holds for every session that is looked for, and for others too.
SELECT SessionId, KEY AS Bound
FROM
(
    SELECT
        SessionId, FirstStart, LastEnd, Spells, Minutes AS TraceCount, SpanCount, ErrorCount, TotalTokens, InputTokens,
        OutputTokens, Cost, UserIds, ServiceNames, Environments, Models, Tags, Tools, Agents, MetadataSieve,
        Metadata
    FROM _session_activity
    WHERE Project = {project:String}
    UNION ALL
    WITH arrayMin(`Minutes.FirstStart`) AS first_start, arrayMax(`Minutes.LastEnd`) AS last_end
    SELECT
        SessionId,
        first_start AS FirstStart,
        last_end AS LastEnd,
        [
${../../sessions/parts/spell}
        ] AS Spells,
        AddedMinutes AS TraceCount,
        AddedSpanCount AS SpanCount,
        AddedErrorCount AS ErrorCount,
        AddedTotalTokens AS TotalTokens,
        AddedInputTokens AS InputTokens,
        AddedOutputTokens AS OutputTokens,
        AddedCost AS Cost,
        arrayFlatten(`Minutes.UserIds`) AS UserIds,
        arrayFlatten(`Minutes.ServiceNames`) AS ServiceNames,
        arrayFlatten(`Minutes.Environments`) AS Environments,
        arrayFlatten(`Minutes.Models`) AS Models,
        arrayFlatten(`Minutes.Tags`) AS Tags,
        arrayFlatten(`Minutes.Tools`) AS Tools,
        arrayFlatten(`Minutes.Agents`) AS Agents,
        arrayReduce('groupBitOr', arrayMap(metadata ->
${../../sessions/parts/metadata_sieve}
            , `Minutes.Metadata`)) AS MetadataSieve,
        CAST(map(), 'Map(String, String)') AS Metadata
    FROM _corrections
    WHERE Project = {project:String} AND notEmpty(`Minutes.Minute`)
)
GROUP BY SessionId
HAVING SUPERSET
ORDER BY Bound DESC, SessionId
LIMIT {limit:UInt32}
SETTINGS merge_tree_min_rows_for_concurrent_read = 8192, merge_tree_min_bytes_for_concurrent_read = 1000000

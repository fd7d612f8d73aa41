-- What each session that ever held spans of these traces has of them: one row a (session, trace), without minutes where it
-- has none. Made of the rows of otel_traces, as many as `Seen` says; the more, the later. And by how much that is more than what
-- was summed of it by now: sums only grow, so what was summed of the session and this is never less than what it has.
-- Nothing of a trace of which not all spans were found, or none unless all are `gone`: over shards its rows are read more than
-- once. Sessions that a row claims, and that have nothing of the trace, have a row too: who saw fewer rows may have thought otherwise.
-- Looking for chains of comparisons took a third of the time of this statement, and there are none in it.
INSERT INTO _corrections
(
    Project, SessionId, TraceId, TraceSession, Seen, Correction, Members,
    AddedMinutes, AddedSpanCount, AddedErrorCount, AddedInputTokens, AddedOutputTokens, AddedTotalTokens, AddedCost,
    `Minutes.Minute`, `Minutes.Rows`, `Minutes.SpanCount`, `Minutes.ErrorCount`, `Minutes.FirstStart`,
    `Minutes.LastEnd`, `Minutes.NamePick`, `Minutes.UserPick`, `Minutes.EnvironmentPick`, `Minutes.InputPick`,
    `Minutes.OutputPick`, `Minutes.ErrorPick`, `Minutes.UserIds`, `Minutes.ServiceNames`, `Minutes.Environments`,
    `Minutes.Models`, `Minutes.Tags`, `Minutes.Tools`, `Minutes.Agents`, `Minutes.InputTokens`,
    `Minutes.OutputTokens`, `Minutes.TotalTokens`, `Minutes.CachedInputTokens`, `Minutes.CacheCreationInputTokens`,
    `Minutes.ReasoningTokens`, `Minutes.Cost`, `Minutes.ModelCalls`, `Minutes.UnpricedCalls`, `Minutes.ToolCalls`,
    `Minutes.Metadata`
)
SETTINGS optimize_and_compare_chain = 0
WITH
known AS
(
${../parts/traces_read}
),
exact AS
(
    SELECT
        m.Project AS Project, m.SessionId AS SessionId, m.TraceId AS TraceId, max(m.Seen) AS Seen,
        max(m.Spans) AS Spans, any(m.TraceSession) AS TraceSession,
        arrayFlatten(groupArray(m.Members)) AS Members,
        groupArray(m.Minute) AS Minute,
        groupArray(m.Rows) AS Rows,
        groupArray(m.SpanCount) AS SpanCount,
        groupArray(m.ErrorCount) AS ErrorCount,
        groupArray(m.FirstStart) AS FirstStart,
        groupArray(m.LastEnd) AS LastEnd,
        groupArray(m.NamePick) AS NamePick,
        groupArray(m.UserPick) AS UserPick,
        groupArray(m.EnvironmentPick) AS EnvironmentPick,
        groupArray(m.InputPick) AS InputPick,
        groupArray(m.OutputPick) AS OutputPick,
        groupArray(m.ErrorPick) AS ErrorPick,
        groupArray(m.UserIds) AS UserIds,
        groupArray(m.ServiceNames) AS ServiceNames,
        groupArray(m.Environments) AS Environments,
        groupArray(m.Models) AS Models,
        groupArray(m.Tags) AS Tags,
        groupArray(m.Tools) AS Tools,
        groupArray(m.Agents) AS Agents,
        groupArray(m.InputTokens) AS InputTokens,
        groupArray(m.OutputTokens) AS OutputTokens,
        groupArray(m.TotalTokens) AS TotalTokens,
        groupArray(m.CachedInputTokens) AS CachedInputTokens,
        groupArray(m.CacheCreationInputTokens) AS CacheCreationInputTokens,
        groupArray(m.ReasoningTokens) AS ReasoningTokens,
        groupArray(m.Cost) AS Cost,
        groupArray(m.ModelCalls) AS ModelCalls,
        groupArray(m.UnpricedCalls) AS UnpricedCalls,
        groupArray(m.ToolCalls) AS ToolCalls,
        groupArray(m.Metadata) AS Metadata
    FROM
    (
        WITH
${../parts/span_values}
        SELECT
            s.Project AS Project, s.SessionHint AS SessionId, s.TraceId AS TraceId,
            fromUnixTimestamp64Nano(intDiv(toUnixTimestamp64Nano(s.Timestamp), 60000000000) * 60000000000, 'UTC') AS Minute,
            max(s.Seen) AS Seen, max(s.Spans) AS Spans, any(s.TraceSession) AS TraceSession, groupArray(s.SpanId) AS Members,
${../parts/turn_figures}
        FROM
        (
${../parts/spans_by_the_rule}
        ) AS s
        GROUP BY Project, SessionId, TraceId, Minute
    ) AS m
    GROUP BY Project, SessionId, TraceId
),
held AS
(
    SELECT
        Project, SessionId, TraceId, sum(Claims) AS Claims, sum(Minutes) AS SummedMinutes, sum(SpanCount) AS SummedSpanCount,
        sum(ErrorCount) AS SummedErrorCount, sum(InputTokens) AS SummedInputTokens,
        sum(OutputTokens) AS SummedOutputTokens, sum(TotalTokens) AS SummedTotalTokens, sum(Cost) AS SummedCost
    FROM
    (
        SELECT
            Project, SessionId, TraceId, 0 AS Claims, 1 AS Minutes, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens,
            Cost
        FROM _session_turns
        WHERE Correction = 0 AND TraceId IN (SELECT TraceId FROM known) AND (Project, TraceId) IN (SELECT Project, TraceId FROM known)
        UNION ALL
        SELECT Project, SessionId, TraceId, 0, 0, 0, 0, 0, 0, 0, 0
        FROM _corrections
        WHERE TraceId IN (SELECT TraceId FROM known) AND (Project, TraceId) IN (SELECT Project, TraceId FROM known)
        UNION ALL
        SELECT Project, arrayJoin(Sessions), TraceId, 0, 0, 0, 0, 0, 0, 0, 0 FROM known
        UNION ALL
        SELECT s.Project, s.ClaimId, s.TraceId, 1, 0, 0, 0, 0, 0, 0, 0
        FROM otel_traces AS s
        WHERE
${../parts/rows_of_known}
    )
    GROUP BY Project, SessionId, TraceId
)
SELECT
    e.Project, e.SessionId, e.TraceId, e.TraceSession, e.Seen, {correction:UInt64} AS Correction, e.Members,
    greatest(length(e.Minute), e.SummedMinutes) - e.SummedMinutes AS AddedMinutes,
    greatest(arraySum(e.SpanCount), e.SummedSpanCount) - e.SummedSpanCount AS AddedSpanCount,
    greatest(arraySum(e.ErrorCount), e.SummedErrorCount) - e.SummedErrorCount AS AddedErrorCount,
    greatest(arraySum(e.InputTokens), e.SummedInputTokens) - e.SummedInputTokens AS AddedInputTokens,
    greatest(arraySum(e.OutputTokens), e.SummedOutputTokens) - e.SummedOutputTokens AS AddedOutputTokens,
    greatest(arraySum(e.TotalTokens), e.SummedTotalTokens) - e.SummedTotalTokens AS AddedTotalTokens,
    greatest(arraySum(e.Cost), e.SummedCost) - e.SummedCost AS AddedCost,
    e.Minute AS `Minutes.Minute`,
    e.Rows AS `Minutes.Rows`,
    e.SpanCount AS `Minutes.SpanCount`,
    e.ErrorCount AS `Minutes.ErrorCount`,
    e.FirstStart AS `Minutes.FirstStart`,
    e.LastEnd AS `Minutes.LastEnd`,
    e.NamePick AS `Minutes.NamePick`,
    e.UserPick AS `Minutes.UserPick`,
    e.EnvironmentPick AS `Minutes.EnvironmentPick`,
    e.InputPick AS `Minutes.InputPick`,
    e.OutputPick AS `Minutes.OutputPick`,
    e.ErrorPick AS `Minutes.ErrorPick`,
    e.UserIds AS `Minutes.UserIds`,
    e.ServiceNames AS `Minutes.ServiceNames`,
    e.Environments AS `Minutes.Environments`,
    e.Models AS `Minutes.Models`,
    e.Tags AS `Minutes.Tags`,
    e.Tools AS `Minutes.Tools`,
    e.Agents AS `Minutes.Agents`,
    e.InputTokens AS `Minutes.InputTokens`,
    e.OutputTokens AS `Minutes.OutputTokens`,
    e.TotalTokens AS `Minutes.TotalTokens`,
    e.CachedInputTokens AS `Minutes.CachedInputTokens`,
    e.CacheCreationInputTokens AS `Minutes.CacheCreationInputTokens`,
    e.ReasoningTokens AS `Minutes.ReasoningTokens`,
    e.Cost AS `Minutes.Cost`,
    e.ModelCalls AS `Minutes.ModelCalls`,
    e.UnpricedCalls AS `Minutes.UnpricedCalls`,
    e.ToolCalls AS `Minutes.ToolCalls`,
    e.Metadata AS `Minutes.Metadata`
FROM
(
    SELECT
        held.* EXCEPT Claims,
        max(e.Seen) OVER trace AS Seen,
        max(e.TraceSession) OVER trace AS TraceSession,
        max(e.Spans) OVER trace - sum(length(e.Members)) OVER trace AS Missing,
        sum(held.Claims) OVER trace AS Claims,
        e.* EXCEPT (Project, SessionId, TraceId, TraceSession, Seen, Spans)
    FROM held
    LEFT JOIN exact AS e ON e.Project = held.Project AND e.SessionId = held.SessionId AND e.TraceId = held.TraceId
    WINDOW trace AS (PARTITION BY held.Project, held.TraceId)
) AS e
WHERE e.SessionId != '' AND e.Missing = 0 AND e.Claims = e.Seen AND (e.Seen > 0 OR {gone:UInt8} = 1)

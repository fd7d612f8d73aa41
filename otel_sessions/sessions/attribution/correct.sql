-- What each session that ever held spans of these traces has of them: one row a (session, trace), without minutes where it
-- has none. Made of the rows of otel_traces, as many as `Seen` says; the more, the later. And by how much that is more than what
-- was summed of it by now: sums only grow, so what was summed of the session and this is never less than what it has.
-- Nothing of a trace of which not all spans were found, or none unless all are `gone`: over shards its rows are read more than
-- once. Sessions that a row claims, and that have nothing of the trace, have a row too: who saw fewer rows may have thought otherwise.
-- Looking for chains of comparisons took a third of the time of this statement, and there are none in it. The figures of a minute go
-- through it as one tuple, in the order of the columns of `Minutes`: to plan each of them in each layer took a fifth.
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
        groupArray((
            m.Minute, m.Rows, m.SpanCount, m.ErrorCount, m.FirstStart, m.LastEnd, m.NamePick, m.UserPick,
            m.EnvironmentPick, m.InputPick, m.OutputPick, m.ErrorPick, m.UserIds, m.ServiceNames, m.Environments,
            m.Models, m.Tags, m.Tools, m.Agents, m.InputTokens, m.OutputTokens, m.TotalTokens, m.CachedInputTokens,
            m.CacheCreationInputTokens, m.ReasoningTokens, m.Cost, m.ModelCalls, m.UnpricedCalls, m.ToolCalls,
            m.Metadata
        )) AS Minutes
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
        Project, SessionId, TraceId, sum(Counted) AS Counted, sum(Minutes) AS SummedMinutes, sum(SpanCount) AS SummedSpanCount,
        sum(ErrorCount) AS SummedErrorCount, sum(InputTokens) AS SummedInputTokens,
        sum(OutputTokens) AS SummedOutputTokens, sum(TotalTokens) AS SummedTotalTokens, sum(Cost) AS SummedCost
    FROM
    (
        SELECT
            Project, SessionId, TraceId, 0 AS Counted, 1 AS Minutes, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens,
            Cost
        FROM _session_turns
        WHERE Correction = 0 AND TraceId IN (SELECT TraceId FROM known) AND (Project, TraceId) IN (SELECT Project, TraceId FROM known)
${corrected_before}
        UNION ALL
${claimed}
    )
    GROUP BY Project, SessionId, TraceId
)
SELECT
    e.Project, e.SessionId, e.TraceId, e.TraceSession, e.Seen, {correction:UInt64} AS Correction, e.Members,
    greatest(length(e.Minutes), e.SummedMinutes) - e.SummedMinutes AS AddedMinutes,
    greatest(arraySum(e.Minutes.3), e.SummedSpanCount) - e.SummedSpanCount AS AddedSpanCount,
    greatest(arraySum(e.Minutes.4), e.SummedErrorCount) - e.SummedErrorCount AS AddedErrorCount,
    greatest(arraySum(e.Minutes.20), e.SummedInputTokens) - e.SummedInputTokens AS AddedInputTokens,
    greatest(arraySum(e.Minutes.21), e.SummedOutputTokens) - e.SummedOutputTokens AS AddedOutputTokens,
    greatest(arraySum(e.Minutes.22), e.SummedTotalTokens) - e.SummedTotalTokens AS AddedTotalTokens,
    greatest(arraySum(e.Minutes.26), e.SummedCost) - e.SummedCost AS AddedCost,
    e.Minutes.1 AS `Minutes.Minute`,
    e.Minutes.2 AS `Minutes.Rows`,
    e.Minutes.3 AS `Minutes.SpanCount`,
    e.Minutes.4 AS `Minutes.ErrorCount`,
    e.Minutes.5 AS `Minutes.FirstStart`,
    e.Minutes.6 AS `Minutes.LastEnd`,
    e.Minutes.7 AS `Minutes.NamePick`,
    e.Minutes.8 AS `Minutes.UserPick`,
    e.Minutes.9 AS `Minutes.EnvironmentPick`,
    e.Minutes.10 AS `Minutes.InputPick`,
    e.Minutes.11 AS `Minutes.OutputPick`,
    e.Minutes.12 AS `Minutes.ErrorPick`,
    e.Minutes.13 AS `Minutes.UserIds`,
    e.Minutes.14 AS `Minutes.ServiceNames`,
    e.Minutes.15 AS `Minutes.Environments`,
    e.Minutes.16 AS `Minutes.Models`,
    e.Minutes.17 AS `Minutes.Tags`,
    e.Minutes.18 AS `Minutes.Tools`,
    e.Minutes.19 AS `Minutes.Agents`,
    e.Minutes.20 AS `Minutes.InputTokens`,
    e.Minutes.21 AS `Minutes.OutputTokens`,
    e.Minutes.22 AS `Minutes.TotalTokens`,
    e.Minutes.23 AS `Minutes.CachedInputTokens`,
    e.Minutes.24 AS `Minutes.CacheCreationInputTokens`,
    e.Minutes.25 AS `Minutes.ReasoningTokens`,
    e.Minutes.26 AS `Minutes.Cost`,
    e.Minutes.27 AS `Minutes.ModelCalls`,
    e.Minutes.28 AS `Minutes.UnpricedCalls`,
    e.Minutes.29 AS `Minutes.ToolCalls`,
    e.Minutes.30 AS `Minutes.Metadata`
FROM
(
    SELECT
        held.* EXCEPT Counted,
        max(e.Seen) OVER trace AS Seen,
        max(e.TraceSession) OVER trace AS TraceSession,
        max(e.Spans) OVER trace - sum(length(e.Members)) OVER trace AS Missing,
        sum(length(e.Members)) OVER trace - uniqExactArray(e.Members) OVER trace AS Repeated,
        sum(held.Counted) OVER trace AS Counted,
        e.* EXCEPT (Project, SessionId, TraceId, TraceSession, Seen, Spans)
    FROM held
    LEFT JOIN exact AS e ON e.Project = held.Project AND e.SessionId = held.SessionId AND e.TraceId = held.TraceId
    WINDOW trace AS (PARTITION BY held.Project, held.TraceId)
) AS e
WHERE e.SessionId != '' AND e.Missing = 0 AND e.Repeated = 0 AND e.Counted = e.Seen AND (e.Seen > 0 OR {gone:UInt8} = 1)

WITH (SELECT (argMax(SplitAfter, UpdatedAt), argMax(SplitAfterOf, UpdatedAt)) FROM _session_life) AS life
SELECT
    m.Project AS Project,
    m.SessionId AS SessionId,
    m.Part AS Part,
    argMin(m.TraceId, (m.FirstStart, m.TraceId)) AS FirstTraceId,
    fromUnixTimestamp64Nano(toInt64(bitAnd(min(m.FirstStart), 9223372036854775807)), 'UTC') AS StartTime,
    fromUnixTimestamp64Nano(toInt64(bitAnd(max(m.LastEnd), 9223372036854775807)), 'UTC') AS EndTime,
    toUInt64(toUnixTimestamp64Nano(EndTime) - toUnixTimestamp64Nano(StartTime)) AS Duration,
    argMin(m.Quiet, (m.FirstStart, m.TraceId)) AS Gap,
    count() AS TraceCount,
    sum(m.SpanCount) AS SpanCount,
    sum(m.ErrorCount) AS ErrorCount,
${usage_sums}
    substring(argMinIf(m.InputPick, (m.FirstStart, m.TraceId), m.InputPick != ''), 10) AS Input,
    substring(argMaxIf(m.OutputPick, (m.LastEnd, m.TraceId), m.OutputPick != ''), 10) AS Output,
    substring(max(m.ErrorPick), 10) AS LastError
FROM
(
    SELECT
        *,
        1 + sum(t.Quiet > t.Limit AND t.Limit > 0) OVER (
            PARTITION BY t.Project, t.SessionId ORDER BY t.FirstStart < 9223372036854775808, t.FirstStart, t.TraceId
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS Part
    FROM
    (
        SELECT
            *,
            if(mapContains(life.2, u.Project), life.2[u.Project], life.1) AS Limit,
            max(if(u.LastEnd < 9223372036854775808, 0, u.LastEnd - 9223372036854775808)) OVER (
                PARTITION BY u.Project, u.SessionId ORDER BY u.FirstStart < 9223372036854775808, u.FirstStart, u.TraceId
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS EndBefore,
            if(EndBefore > 0 AND u.FirstStart > EndBefore, u.FirstStart - EndBefore, 0) AS Quiet
        FROM
        (
            SELECT
                m.Project AS Project, m.SessionId AS SessionId, m.TraceId AS TraceId,
                min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd, max(m.InputPick) AS InputPick,
                max(m.OutputPick) AS OutputPick, max(m.ErrorPick) AS ErrorPick, sum(m.SpanCount) AS SpanCount,
${turn_sums}
                , sum(m.ModelCalls) AS ModelCalls, sum(m.UnpricedCalls) AS UnpricedCalls, sum(m.ToolCalls) AS ToolCalls
            FROM _turn_minutes AS m
            GROUP BY Project, SessionId, TraceId
            HAVING SpanCount > 0
        ) AS u
    ) AS t
) AS m
GROUP BY Project, SessionId, Part

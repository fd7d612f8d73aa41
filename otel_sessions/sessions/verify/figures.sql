-- The sessions of which a view says other figures than follow from the truth, with the names of those views. Of the traces of
-- a period only their turns are looked at.
SELECT Project, SessionId, arraySort(groupUniqArray(View)) AS Views
FROM
(
    SELECT View, Project, SessionId, Part
    FROM
    (
        SELECT
            'truth' AS Side, View, Project, SessionId, Part,
            if(View = 'session_timeline',
                [toString((uniqExact(t.TraceId), count(), sum(t.ErrorCount), sum(t.InputTokens), sum(t.OutputTokens), sum(t.TotalTokens), toFloat64(sum(t.Cost))))],
                [toString((uniqExact(t.TraceId), count(), sum(t.ErrorCount), sum(t.InputTokens), sum(t.OutputTokens), sum(t.TotalTokens), toFloat64(sum(t.Cost)),
                sum(t.CachedInputTokens), sum(t.CacheCreationInputTokens), sum(t.ReasoningTokens), sum(t.ModelCalls), sum(t.UnpricedCalls), sum(t.ToolCalls))), toString((
                toUnixTimestamp64Nano(if(max(t.HasTimes) = 1, minIf(t.StartTime, t.HasTimes = 1), min(t.StartTime))),
                toUnixTimestamp64Nano(if(max(t.HasTimes) = 1, maxIf(t.EndTime, t.HasTimes = 1), max(t.EndTime)))))]) AS Figures
        FROM truth AS t
        ARRAY JOIN
            if({all:UInt8} = 1, ['sessions', 'session_traces', 'session_timeline'], ['session_traces']) AS View,
            if({all:UInt8} = 1,
                ['', t.TraceId, toString(intDiv(toUnixTimestamp64Nano(t.StartTime), 60000000000))], [t.TraceId]) AS Part
        GROUP BY View, Project, SessionId, Part
        UNION ALL
        SELECT
            'view' AS Side, 'sessions' AS View, Project, SessionId, '' AS Part,
            [toString((TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, ModelCalls, UnpricedCalls, ToolCalls)),
                toString((toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime)))] AS Figures
        FROM sessions
        WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
        UNION ALL
        SELECT
            'view' AS Side, 'session_traces' AS View, Project, SessionId, TraceId AS Part,
            [toString((toUInt64(1), SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, ModelCalls, UnpricedCalls, ToolCalls)),
                toString((toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime)))] AS Figures
        FROM session_traces
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
            AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
        UNION ALL
        SELECT
            'view' AS Side, 'session_timeline' AS View, Project, SessionId,
            toString(intDiv(toUnixTimestamp64Nano(Minute), 60000000000)) AS Part,
            [toString((TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost))] AS Figures
        FROM session_timeline
        WHERE {all:UInt8} = 1 AND SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
    )
    GROUP BY View, Project, SessionId, Part
    HAVING count() != 2 OR uniqExact(Figures) != 1
)
GROUP BY Project, SessionId
ORDER BY Project, SessionId

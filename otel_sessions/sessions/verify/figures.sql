-- The sessions of which a view says other figures than follow from the truth, with the names of those views.
SELECT Project, SessionId, arraySort(groupUniqArray(View)) AS Views
FROM
(
    SELECT View, Project, SessionId, Part
    FROM
    (
        SELECT
            'truth' AS Side, View, Project, SessionId, Part,
            (uniqExact(TraceId), count(), countIf(IsError = 1), sum(InputTokens), sum(OutputTokens),
                if(View = 'session_timeline', 0, sum(TotalTokens)), toFloat64(sum(Cost)),
                if(View = 'session_timeline', 0, toUnixTimestamp64Nano(
                    if(max(HasTimes) = 1, minIf(StartTime, HasTimes = 1), min(StartTime)))),
                if(View = 'session_timeline', 0, toUnixTimestamp64Nano(
                    if(max(HasTimes) = 1, maxIf(EndTime, HasTimes = 1), max(EndTime))))) AS Figures
        FROM truth
        ARRAY JOIN
            ['sessions', 'session_traces', 'session_timeline'] AS View,
            ['', TraceId, toString(intDiv(toUnixTimestamp64Nano(StartTime), 60000000000))] AS Part
        GROUP BY View, Project, SessionId, Part
        UNION ALL
        SELECT
            'view' AS Side, 'sessions' AS View, Project, SessionId, '' AS Part,
            (TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost,
                toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime)) AS Figures
        FROM sessions
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
                SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
        UNION ALL
        SELECT
            'view' AS Side, 'session_traces' AS View, Project, SessionId, TraceId AS Part,
            (1, SpanCount, ErrorCount, InputTokens, OutputTokens, TotalTokens, Cost,
                toUnixTimestamp64Nano(StartTime), toUnixTimestamp64Nano(EndTime)) AS Figures
        FROM session_traces
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
                SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
        UNION ALL
        SELECT
            'view' AS Side, 'session_timeline' AS View, Project, SessionId,
            toString(intDiv(toUnixTimestamp64Nano(Minute), 60000000000)) AS Part,
            (TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, 0, Cost, 0, 0) AS Figures
        FROM session_timeline
        WHERE SessionId >= {low:String} AND ({last:UInt8} = 1 OR SessionId < {high:String})
            AND (empty({sessions:Array(Tuple(String, String))}) OR (Project, SessionId) IN (
                SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
    )
    GROUP BY View, Project, SessionId, Part
    HAVING count() != 2 OR uniqExact(Figures) != 1
)
GROUP BY Project, SessionId
ORDER BY Project, SessionId

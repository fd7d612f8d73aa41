    -- The traces given, with the best claim that was ever stored of each and the sessions that its spans were stored under.
    SELECT
        t.Project AS Project, t.TraceId AS TraceId, min(t.Best) AS Best, groupUniqArrayArray(t.Places) AS Places,
        arrayDistinct(Places.SessionId) AS Sessions, max(t.IsDoubtful) AS IsDoubtful,
        min(t.Start) AS Start, max(t.End) AS End
    FROM _trace_claims AS t
    WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
    GROUP BY Project, TraceId

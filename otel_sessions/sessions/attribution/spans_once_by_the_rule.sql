        -- The spans of ../parts/spans_by_the_rule where these are of traces of which no span came twice when they were counted: every
        -- row counts, so no versions are worked out, and what is stored of these spans gives way to any version.
        SELECT
            s.* EXCEPT SessionHint, toUInt256(0) AS Version, r.Rows AS Seen, r.Rows AS Spans, r.Sessions[1] AS TraceSession,
            if(r.Level <= 2 AND s.ClaimLevel = r.Level, s.ClaimId, r.Sessions[1]) AS SessionHint
        FROM
        (
            SELECT
                s.*, s.StartTimeUnixNano AS StartTimeUnixNano, s.EndTimeUnixNano AS EndTimeUnixNano,
                s.Input AS Input, s.Output AS Output
            FROM otel_traces AS s
            WHERE
${../parts/rows_of_known}
        ) AS s
        INNER JOIN (SELECT Project, TraceId, Sessions, Level, Rows FROM known WHERE Level > 0) AS r
        ON r.Project = s.Project AND r.TraceId = s.TraceId

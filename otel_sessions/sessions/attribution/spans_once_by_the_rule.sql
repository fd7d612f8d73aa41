        -- The spans of ../parts/spans_by_the_rule where these are of traces of which no span came twice, as far as is known: every
        -- row counts, so no versions are worked out, and what is stored of these spans gives way to any version. `Spans` of a trace
        -- are how many there have to be, more than there are where a span came twice after all.
        SELECT
            s.* EXCEPT SessionHint, toUInt256(0) AS Version, r.Seen AS Seen, r.Spans AS Spans, substring(r.Best, 11) AS TraceSession,
${../parts/session_by_the_rule}
            AS SessionHint
        FROM
        (
            SELECT
                s.*, s.StartTimeUnixNano AS StartTimeUnixNano, s.EndTimeUnixNano AS EndTimeUnixNano,
                s.Input AS Input, s.Output AS Output
            FROM otel_traces AS s
            WHERE
${../parts/rows_of_known}
        ) AS s
        INNER JOIN
        (
            SELECT
                s.Project AS Project, s.TraceId AS TraceId, count() AS Seen, 2 * count() - uniqExact(s.SpanId) AS Spans,
                min(
${../parts/claim}
                ) AS Best
            FROM otel_traces AS s
            WHERE
${../parts/rows_of_known}
            GROUP BY Project, TraceId
        ) AS r
        ON r.Project = s.Project AND r.TraceId = s.TraceId

        -- Of each span of the known traces the version that counts, under the session that the rule gives it: the best claim is
        -- the one of these versions. Which they are is found in rows of few columns: what is sorted there would take most of a
        -- correction with all columns.
        SELECT
            s.* EXCEPT (SessionHint, RowPart, RowPlace), r.Seen AS Seen, r.Spans AS Spans,
            substring(r.Best, 11) AS TraceSession,
${session_by_the_rule}
            AS SessionHint
        FROM
        (
            SELECT
                s.*, s.StartTimeUnixNano AS StartTimeUnixNano, s.EndTimeUnixNano AS EndTimeUnixNano,
                s.Input AS Input, s.Output AS Output, s._part AS RowPart, s._part_offset AS RowPlace,
${version}
                AS Version
            FROM otel_traces AS s
            WHERE
${rows_of_known}
        ) AS s
        INNER JOIN
        (
            SELECT
                Project, TraceId, SpanId, RowPart, RowPlace, min(Claim) OVER trace AS Best, sum(Rows) OVER trace AS Seen,
                count() OVER trace AS Spans
            FROM
            (
                SELECT
                    s.Project AS Project, s.TraceId AS TraceId, s.SpanId AS SpanId, count() AS Rows,
                    argMax((s.Claim, s.RowPart, s.RowPlace), s.Version) AS Newest,
                    Newest.1 AS Claim, Newest.2 AS RowPart, Newest.3 AS RowPlace
                FROM
                (
                    SELECT
                        s.Project AS Project, s.TraceId AS TraceId, s.SpanId AS SpanId, s._part AS RowPart,
                        s._part_offset AS RowPlace,
${claim}
                        AS Claim,
${version}
                        AS Version
                    FROM otel_traces AS s
                    WHERE
${rows_of_known}
                ) AS s
                GROUP BY Project, TraceId, SpanId
            )
            WINDOW trace AS (PARTITION BY Project, TraceId)
        ) AS r
        ON r.Project = s.Project AND r.TraceId = s.TraceId AND r.SpanId = s.SpanId AND r.RowPart = s.RowPart
            AND r.RowPlace = s.RowPlace

        -- Of each span of the known traces the version that counts, under the session that the rule gives it: the best claim is
        -- the one of these versions.
        SELECT
            * EXCEPT (Best, SessionHint),
            substring(Best, 11) AS TraceSession,
            if(substring(Best, 1, 1) <= '2' AND ClaimLevel = toUInt8OrZero(substring(Best, 1, 1)),
                ClaimId, substring(Best, 11)) AS SessionHint
        FROM
        (
            SELECT
                *,
                min(
${claim}
                ) OVER (PARTITION BY s.Project, s.TraceId) AS Best
            FROM
            (
                SELECT
                    * EXCEPT Newest
                FROM
                (
                    SELECT
                        *,
                        count() OVER (PARTITION BY s.Project, s.TraceId) AS Seen,
                        row_number() OVER (PARTITION BY s.Project, s.TraceId, s.SpanId ORDER BY s.Version DESC) AS Newest
                    FROM
                    (
                        SELECT
                            s.*, s.StartTimeUnixNano AS StartTimeUnixNano, s.EndTimeUnixNano AS EndTimeUnixNano,
                            s.Input AS Input, s.Output AS Output,
${version}
                            AS Version
                        FROM otel_traces AS s
                        WHERE
${rows_of_known}
                    ) AS s
                )
                WHERE Newest = 1
            ) AS s
        )

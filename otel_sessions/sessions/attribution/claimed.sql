        -- Sessions that hold rows of the traces, or that one of them claims, and how many rows that are.
        SELECT Project, arrayJoin(Sessions), TraceId, 0, 0, 0, 0, 0, 0, 0, 0 FROM known
        UNION ALL
        SELECT s.Project, s.ClaimId, s.TraceId, 1, 0, 0, 0, 0, 0, 0, 0
        FROM otel_traces AS s
        WHERE
${../parts/rows_of_known}

        -- Sessions that a correction in force speaks of; there is none where traces are corrected for the first time.
        UNION ALL
        SELECT Project, SessionId, TraceId, 0, 0, 0, 0, 0, 0, 0, 0
        FROM _corrections
        WHERE TraceId IN (SELECT TraceId FROM known) AND (Project, TraceId) IN (SELECT Project, TraceId FROM known)

    -- What is there already; of traces that are corrected for the first time it is not looked for.
    AND (s.Project, s.SessionHint, s.TraceId, s.SpanId, s.Version) NOT IN (
        SELECT Project, SessionHint, TraceId, SpanId, Version
        FROM _corrected_spans
        WHERE TraceId IN (SELECT TraceId FROM known))

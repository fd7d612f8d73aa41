            s.Timestamp >= (SELECT min(Start) FROM known) AND s.Timestamp <= (SELECT max(End) FROM known)
            AND (s.Project, s.SessionHint, s.TraceId) IN (SELECT Project, arrayJoin(Sessions), TraceId FROM known)

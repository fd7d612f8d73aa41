        CAST(m.Project, 'String') AS Project, m.SessionId AS SessionId, m.TraceId AS TraceId,
        substring(max(m.UserPick), 10) AS UserId, min(m.FirstStart) AS FirstStart, max(m.LastEnd) AS LastEnd,
${turn_sums}

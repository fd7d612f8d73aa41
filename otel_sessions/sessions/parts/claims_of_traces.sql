    SELECT
        s.Project AS Project, s.TraceId AS TraceId,
        count() AS Rows, groupUniqArray(65536)(toUInt32(bitAnd(cityHash64(s.SpanId), 1048575))) AS Spans,
        min(
${../parts/claim}
        ) AS Best,
        CAST(groupUniqArray(
            if(s.ClaimLevel <= 2, (s.SessionHint, s.ClaimLevel, if(s.ClaimId = s.SessionHint, '', s.ClaimId)), (s.SessionHint, toUInt8(9), ''))),
            'Array(Tuple(SessionId String, ClaimLevel UInt8, ClaimId String))') AS Places,
        min(s.Timestamp) AS Start, max(s.Timestamp) AS End, max(s.ReceivedAt) AS ReceivedAt

    CAST(multiIf(s.ClaimLevel = 9 OR s.ClaimId != s.SessionHint, 'trace', s.ClaimLevel IN (1, 3), 'span', 'resource'), 'LowCardinality(String)')

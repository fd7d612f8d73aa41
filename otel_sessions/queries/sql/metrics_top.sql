-- The keys of the greatest groups by one of the series; SOURCE gives turns and calls with their keys. The other series are
-- not worked out.
SELECT Key
FROM
(
    SELECT
        Key,
        COUNT_SESSIONS AS sessions,
        COUNT_TRACES AS traces,
        sum(Errors) AS errors,
        sum(Tokens) AS tokens,
        sum(Cost) AS cost,
        quantileExactIf(0.5)(Duration, IsTurn) AS duration_p50_ns,
        quantileExactIf(0.95)(Duration, IsTurn) AS duration_p95_ns
    FROM
    (
        SELECT arrayJoin(arrayDistinct(Keys)) AS Key, SessionId, TraceId, IsTurn, Errors, Tokens, Cost, Duration
        FROM (SOURCE)
    )
    GROUP BY Key
)
ORDER BY SERIES DESC, Key
LIMIT {limit:UInt32}

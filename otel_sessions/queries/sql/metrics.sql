-- Totals, and points by time, of each of the greatest groups and of the rest; SOURCE gives turns with their keys, each
-- turn once, and calls. Of the series only SERIES are worked out; the other words in capitals are texts beside SOURCE.
SELECT IsTop, Key, IsTotal, Time, SERIES
FROM
(
    SELECT
        IsTop,
        Key,
        IS_TOTAL AS IsTotal,
        fromUnixTimestamp64Nano(GROUP_TIME, 'UTC') AS Time,
        COUNT_SESSIONS AS sessions,
        COUNT_TRACES AS traces,
        sum(Errors) AS errors,
        sum(Tokens) AS tokens,
        toFloat64(sum(Cost)) AS cost,
        if(countIf(IsTurn) = 0, NULL, quantileExactIf(0.5)(Duration, IsTurn)) AS duration_p50_ns,
        if(countIf(IsTurn) = 0, NULL, quantileExactIf(0.95)(Duration, IsTurn)) AS duration_p95_ns
    FROM
    (
        SELECT
            tupleElement(k, 1) AS IsTop, tupleElement(k, 2) AS Key, SessionId, TraceId, IsTurn, Errors, Tokens, Cost, Duration,
            TURN_TIME AS Bucket
        FROM (SOURCE)
        ARRAY JOIN arrayDistinct(arrayMap(
            each -> if({all:UInt8} = 1 OR has({top:Array(String)}, each), (1, each), (0, '')), Keys)) AS k
    )
    GROUPED
)
ORDER BY IsTop, Key, IsTotal, Time
LIMIT {points:UInt32}

-- Totals, and points by time, of each of the greatest groups and of the rest; SOURCE gives turns and calls with a key. Of
-- the series only SERIES are worked out.
SELECT IsTop, Key, IsTotal, Time, SERIES
FROM
(
    SELECT
        IsTop,
        Key,
        grouping(Time) AS IsTotal,
        fromUnixTimestamp64Nano(Time, 'UTC') AS Time,
        uniqExact(SessionId) AS sessions,
        uniqExact(SessionId, TraceId) AS traces,
        sum(Errors) AS errors,
        sum(Tokens) AS tokens,
        toFloat64(sum(toDecimal128(Cost + 5e-13, 12))) AS cost,
        if(countIf(IsTurn) = 0, NULL, quantileExactIf(0.5)(Duration, IsTurn)) AS duration_p50_ns,
        if(countIf(IsTurn) = 0, NULL, quantileExactIf(0.95)(Duration, IsTurn)) AS duration_p95_ns
    FROM
    (
        SELECT
            tupleElement(k, 1) AS IsTop, tupleElement(k, 2) AS Key, SessionId, TraceId, IsTurn, Errors, Tokens, Cost, Duration,
            intDiv(toUnixTimestamp64Nano(StartTime), {interval:Int64}) * {interval:Int64} * {has_points:UInt8} AS Time
        FROM (SOURCE)
        ARRAY JOIN arrayDistinct(arrayMap(
            each -> if({all:UInt8} = 1 OR has({top:Array(String)}, each), (1, each), (0, '')), Keys)) AS k
    )
    GROUP BY GROUPING SETS ((IsTop, Key), (IsTop, Key, Time))
    HAVING IsTotal = 1 OR {has_points:UInt8} = 1
)
ORDER BY IsTop, Key, IsTotal, Time
LIMIT {points:UInt32}

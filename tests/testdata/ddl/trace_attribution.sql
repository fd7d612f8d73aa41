CREATE VIEW trace_attribution
(
    `Project` LowCardinality(String),
    `TraceId` String,
    `Best` SimpleAggregateFunction(min, Tuple(
        Level UInt8,
        NotRoot UInt8,
        Start UInt64,
        Id String)),
    `Places` Array(Tuple(
        SessionId String,
        ClaimLevel UInt8,
        ClaimId String,
        Best Tuple(
            Level UInt8,
            NotRoot UInt8,
            Start UInt64,
            Id String))),
    `IsStale` UInt8,
    `Sessions` UInt64,
    `Start` SimpleAggregateFunction(min, DateTime64(9)),
    `End` SimpleAggregateFunction(max, DateTime64(9))
)
AS SELECT
    Project,
    TraceId,
    best AS Best,
    places AS Places,
    arrayExists(p -> ((p.Best != best) OR (p.SessionId != if(p.ClaimLevel = best.Level, p.ClaimId, best.Id))), places) AS IsStale,
    length(arrayDistinct(arrayMap(p -> p.SessionId, places))) AS Sessions,
    start AS Start,
    end AS End
FROM
(
    SELECT
        Project,
        TraceId,
        min(t.Best) AS best,
        groupUniqArrayArray(t.Places) AS places,
        min(t.Start) AS start,
        max(t.End) AS end
    FROM trace_claims AS t
    GROUP BY
        Project,
        TraceId
)

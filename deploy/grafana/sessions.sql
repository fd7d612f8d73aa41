-- What the dashboard "Sessions" asks, a statement a panel, named by the line above it. Grafana fills in the macros and
-- variables: https://grafana.com/docs/plugins/grafana-clickhouse-datasource. A session counts where one of its turns
-- is in the window; its figures are those of the whole session.

-- overview
SELECT
    count() AS "Sessions",
    sum(TraceCount) AS "Turns",
    uniqExactArray(UserIds) AS "Users",
    sum(ErrorCount) AS "Errors",
    sum(TotalTokens) AS "Tokens",
    sum(Cost) AS "Cost"
FROM otel.sessions
WHERE EndTime >= $__fromTime AND StartTime <= $__toTime
    AND Project IN (${project:singlequote})
    AND (${user:sqlstring} = '' OR has(UserIds, ${user:sqlstring}));

-- started
SELECT $__timeInterval(StartTime) AS time, count() AS sessions
FROM otel.sessions
WHERE $__timeFilter(StartTime)
    AND Project IN (${project:singlequote})
    AND (${user:sqlstring} = '' OR has(UserIds, ${user:sqlstring}))
GROUP BY time
ORDER BY time;

-- turns
SELECT $__timeInterval(StartTime) AS time, count() AS turns, countIf(ErrorCount > 0) AS failed
FROM otel.session_traces
WHERE $__timeFilter(StartTime)
    AND Project IN (${project:singlequote})
    AND (${user:sqlstring} = '' OR UserId = ${user:sqlstring})
GROUP BY time
ORDER BY time;

-- duration
SELECT
    $__timeInterval(StartTime) AS time,
    quantile(0.5)(Duration) / 1e9 AS half,
    quantile(0.95)(Duration) / 1e9 AS slowest
FROM otel.session_traces
WHERE $__timeFilter(StartTime)
    AND Project IN (${project:singlequote})
    AND (${user:sqlstring} = '' OR UserId = ${user:sqlstring})
GROUP BY time
ORDER BY time;

-- cost
SELECT $__timeInterval(Timestamp) AS time, Model AS model, sum(Cost) AS cost
FROM otel.session_spans
WHERE $__timeFilter(Timestamp)
    AND IsModelCall
    AND Project IN (${project:singlequote})
    AND (${user:sqlstring} = '' OR UserId = ${user:sqlstring})
GROUP BY time, model
ORDER BY time, model;

-- tokens
SELECT
    $__timeInterval(Minute) AS time,
    sum(InputTokens) AS input,
    sum(OutputTokens) AS output
FROM otel.session_timeline
WHERE $__timeFilter(Minute)
    AND Project IN (${project:singlequote})
GROUP BY time
ORDER BY time;

-- errors
SELECT $__timeInterval(Timestamp) AS time, ServiceName AS service, count() AS errors
FROM otel.session_spans
WHERE $__timeFilter(Timestamp)
    AND StatusCode = 'Error'
    AND Project IN (${project:singlequote})
GROUP BY time, service
ORDER BY time, service;

-- models
SELECT
    Model AS "Model",
    count() AS "Calls",
    sum(TotalTokens) AS "Tokens",
    sum(Cost) AS "Cost",
    countIf(IsUnpriced) AS "Without a price",
    quantile(0.95)(Duration) / 1e9 AS "Slowest 5 %"
FROM otel.session_spans
WHERE $__timeFilter(Timestamp)
    AND IsModelCall
    AND Project IN (${project:singlequote})
GROUP BY Model
ORDER BY "Cost" DESC
LIMIT 50;

-- tools
SELECT
    StepName AS "Tool",
    count() AS "Calls",
    countIf(StatusCode = 'Error') AS "Failed",
    quantile(0.95)(Duration) / 1e9 AS "Slowest 5 %"
FROM otel.session_spans
WHERE $__timeFilter(Timestamp)
    AND StepKind = 'tool'
    AND Project IN (${project:singlequote})
GROUP BY StepName
ORDER BY "Calls" DESC
LIMIT 50;

-- users
SELECT
    UserId AS "User",
    uniqExact(SessionId) AS "Sessions",
    count() AS "Turns",
    sum(TotalTokens) AS "Tokens",
    sum(Cost) AS "Cost",
    max(EndTime) AS "Last seen"
FROM otel.session_traces
WHERE $__timeFilter(StartTime)
    AND UserId != ''
    AND Project IN (${project:singlequote})
GROUP BY UserId
ORDER BY "Cost" DESC
LIMIT 50;

-- dearest
SELECT
    SessionId AS "Session",
    arrayStringConcat(UserIds, ', ') AS "Users",
    StartTime AS "Start",
    TraceCount AS "Turns",
    ErrorCount AS "Errors",
    TotalTokens AS "Tokens",
    Cost AS "Cost",
    Duration / 1e9 AS "Duration"
FROM otel.sessions
WHERE EndTime >= $__fromTime AND StartTime <= $__toTime
    AND Project IN (${project:singlequote})
    AND (${user:sqlstring} = '' OR has(UserIds, ${user:sqlstring}))
ORDER BY Cost DESC
LIMIT 100;

-- projects
SELECT DISTINCT Project FROM otel.sessions ORDER BY Project;

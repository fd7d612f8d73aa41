-- What HyperDX asks for when a source is set up, searches for, and draws, retold from its own code (2.x, August 2026).
-- It binds what it can: the values stand in `test_dashboards`.

SELECT name, value FROM system.settings;

SELECT version() AS version;

SELECT count() > 0 AS is_cloud FROM system.table_engines WHERE name = 'SharedMergeTree';

SHOW DATABASES;

SHOW TABLES FROM {database:Identifier};

DESCRIBE {database:Identifier}.{table:Identifier};

SELECT * FROM system.tables WHERE database = {databaseText:String} AND name = {tableText:String} LIMIT 1;

SELECT name, type, type_full as typeFull, expr as expression, granularity FROM system.data_skipping_indices WHERE database = {databaseText:String} AND table = {tableText:String};

WITH sampledKeys as (SELECT getSubcolumn({map:Identifier}, 'keys') AS keysArr FROM {database:Identifier}.{table:Identifier} LIMIT {limit:Int32}) SELECT DISTINCT lowCardinalityKeys(arrayJoin(keysArr)) as key FROM sampledKeys LIMIT {limit:Int32} SETTINGS timeout_overflow_mode = 'break', max_execution_time = 2;

WITH sampledKeys as (SELECT getSubcolumn({map:Identifier}, 'keys') AS keys FROM {database:Identifier}.{table:Identifier} LIMIT {limit:Int32}) SELECT groupUniqArrayArray(100)(keys) as keysArr FROM sampledKeys;

SELECT DISTINCT {map:Identifier}[{key:String}] as value FROM {database:Identifier}.{table:Identifier} LIMIT {limit:Int32};

SELECT Timestamp, ServiceName as service, StatusCode as level, round(Duration / 1e6) as duration, SpanName FROM {database:Identifier}.{table:Identifier} WHERE (Timestamp >= fromUnixTimestamp64Milli({from:Int64}) AND Timestamp <= fromUnixTimestamp64Milli({to:Int64})) AND ((SpanAttributes['user.id'] = 'ada') AND (hasToken(lower(SpanName), lower('chat')))) ORDER BY (Timestamp) DESC LIMIT {limit:Int32} OFFSET 0 SETTINGS optimize_read_in_order = 0, cast_keep_nullable = 1, additional_result_filter = 'duration != 2', count_distinct_implementation = 'uniqCombined64', async_insert_busy_timeout_min_ms = 20000;

SELECT count(), quantile(0.95)(Duration), ServiceName, toStartOfInterval(toDateTime(Timestamp), INTERVAL 5 minute) AS `__hdx_time_bucket` FROM otel.otel_traces WHERE (Timestamp >= fromUnixTimestamp64Milli({from:Int64}) AND Timestamp <= fromUnixTimestamp64Milli({to:Int64})) GROUP BY ServiceName, toStartOfInterval(toDateTime(Timestamp), INTERVAL 5 minute) AS `__hdx_time_bucket` ORDER BY toStartOfInterval(toDateTime(Timestamp), INTERVAL 5 minute) AS `__hdx_time_bucket` SETTINGS short_circuit_function_evaluation = 'force_enable', optimize_read_in_order = 0;

SELECT countIf(StatusCode = 'Error') AS "errors", count() AS "total", ((coalesce(countIf(StatusCode = 'Error'), 0) / nullif(coalesce(count(), 0), 0)) * 100) AS "Error rate" FROM otel.otel_traces WHERE (Timestamp >= fromUnixTimestamp64Milli({from:Int64}));

WITH tableStats AS (SELECT count() as total, greatest(CAST(total / 100000 AS UInt32), 1) as sample_factor FROM otel.otel_traces) SELECT groupUniqArray(20)(ServiceName) AS param0 FROM otel.otel_traces WHERE (cityHash64(Timestamp, rand()) % (SELECT sample_factor FROM tableStats) = 0);

WITH Parts AS (SELECT _part, _part_offset FROM otel.otel_traces WHERE ((ServiceName = 'shop')) ORDER BY rand() DESC LIMIT 1000) SELECT * FROM otel.otel_traces WHERE ((ServiceName = 'shop') AND (indexHint((_part, _part_offset) IN (SELECT tuple(_part, _part_offset) FROM Parts)))) ORDER BY rand() DESC LIMIT 1000;

SELECT *, Timestamp AS __hdx_timestamp, SpanName AS __hdx_body, TraceId AS __hdx_trace_id FROM otel.otel_traces WHERE TraceId = {trace:String} AND (Timestamp >= fromUnixTimestamp64Milli({from:Int64})) LIMIT 1;

EXPLAIN ESTIMATE SELECT count() FROM otel.otel_traces WHERE Timestamp >= fromUnixTimestamp64Milli({from:Int64});

EXPLAIN indexes=1, json=1, description = 0 SELECT count() FROM otel.otel_traces WHERE TraceId = {trace:String};

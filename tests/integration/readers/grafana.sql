-- What Grafana's ClickHouse data source asks for when it is set up, when a query is built, and what its panels send:
-- retold from its query builder (4.x, August 2026). TRACE stands for a trace id; times are of `tests.testing.otlp.START`.

SELECT 1;

SELECT version();

SHOW DATABASES;

SHOW TABLES FROM "otel";

DESC TABLE "otel"."otel_traces";

SELECT name, type, table FROM system.columns WHERE database IN ('otel') AND table = 'otel_traces';

SELECT name, type, table FROM system.columns WHERE database IN ('otel');

SELECT name, is_aggregate, case_insensitive, alias_to, origin, description, syntax, arguments, returned_value, examples, categories FROM system.functions LIMIT 10000;

SELECT name FROM system.tables WHERE database = 'otel' AND name = 'otel_traces_trace_id_ts';

SELECT DISTINCT arrayJoin(mapKeys("SpanAttributes")) as keys FROM (SELECT "SpanAttributes" FROM "otel"."otel_traces" LIMIT 1000) LIMIT 1000;

SELECT DISTINCT "SpanAttributes"['user.id'] FROM "otel"."otel_traces" WHERE mapContains("SpanAttributes", 'user.id') LIMIT 1000;

SELECT DISTINCT "ServiceName" FROM "otel"."otel_traces" WHERE "ServiceName" IS NOT NULL LIMIT 1000;

SELECT "TraceId" as traceID, "ServiceName" as serviceName, "SpanName" as operationName, "Timestamp" as startTime, multiply("Duration", 0.000001) as duration FROM "otel"."otel_traces" WHERE ( Timestamp >= toDateTime(0) AND Timestamp <= toDateTime(4000000000) ) AND ( ParentSpanId = '' ) AND ( Duration > 0 ) ORDER BY Timestamp DESC, Duration DESC LIMIT 1000;

SELECT "TraceId" as traceID, "ServiceName" as serviceName, "SpanName" as operationName, "Timestamp" as startTime, multiply("Duration", 0.000001) as duration FROM "otel"."otel_traces" WHERE ( SpanAttributes['user.id'] = 'ada' ) AND ( ServiceName IN ('shop', 'cart') ) AND ( NOT ( SpanName LIKE '%nothing%' ) ) LIMIT 1000 settings additional_table_filters={'otel.otel_traces' : ' ServiceName = \'shop\' AND SpanAttributes[\'user.id\'] = \'ada\' AND SpanName REGEXP \'c.*\' '};

WITH 'TRACE' as __gf_trace_id, (SELECT min(Start) FROM "otel"."otel_traces_trace_id_ts" WHERE TraceId = __gf_trace_id) as __gf_trace_start, (SELECT max(End) + 1 FROM "otel"."otel_traces_trace_id_ts" WHERE TraceId = __gf_trace_id) as __gf_trace_end SELECT "TraceId" as traceID, "SpanId" as spanID, "ParentSpanId" as parentSpanID, "ServiceName" as serviceName, "SpanName" as operationName, multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001) as startTime, multiply("Duration", 0.000001) as duration, arrayMap(key -> map('key', key, 'value',"SpanAttributes"[key]), mapKeys("SpanAttributes")) as tags, arrayMap(key -> map('key', key, 'value',"ResourceAttributes"[key]), mapKeys("ResourceAttributes")) as serviceTags, if("StatusCode" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode, arrayMap((name, timestamp, attributes) -> tuple(name, toString(toUnixTimestamp64Milli(timestamp)), arrayMap( key -> map('key', key, 'value', attributes[key]), mapKeys(attributes)))::Tuple(name String, timestamp String, fields Array(Map(String, String))), "Events".Name, "Events".Timestamp, "Events".Attributes) AS logs, arrayMap((traceID, spanID, attributes) -> tuple(traceID, spanID, arrayMap(key -> map('key', key, 'value', attributes[key]), mapKeys(attributes)))::Tuple(traceID String, spanID String, tags Array(Map(String, String))), "Links".TraceId, "Links".SpanId, "Links".Attributes) AS references, "SpanKind" as kind, "StatusMessage" as statusMessage, "TraceState" as traceState FROM "otel"."otel_traces" WHERE traceID = __gf_trace_id AND "Timestamp" >= __gf_trace_start AND "Timestamp" <= __gf_trace_end AND ( SpanName != '' ) LIMIT 1000;

SELECT toStartOfInterval(toDateTime(Timestamp), INTERVAL 60 second) as "time", count(*) as c, quantile(0.95)(Duration) as p95 FROM "otel"."otel_traces" WHERE Timestamp >= toDateTime(0) AND Timestamp <= toDateTime(4000000000) GROUP BY time ORDER BY time ASC LIMIT 1000;

SELECT toStartOfInterval(toDateTime64(StartTime, 3), INTERVAL 1000 millisecond) AS t, sum(TotalTokens) AS tokens FROM sessions WHERE StartTime >= fromUnixTimestamp64Milli(0) AND StartTime <= fromUnixTimestamp64Milli(4000000000000) GROUP BY t ORDER BY t settings additional_table_filters={'sessions' : ' has(UserIds, \'ada\') '};

SELECT SessionId FROM otel.sessions settings additional_table_filters={};

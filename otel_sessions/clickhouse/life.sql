-- Since when the server runs, in seconds and to a second, for tables that a server keeps by itself; replicated ones note a
-- token and its rows at once, at all servers.
SELECT if(engine LIKE 'Replicated%' OR engine LIKE 'Shared%', '', toString(toUnixTimestamp(now()) - uptime()))
FROM system.tables
WHERE database = currentDatabase() AND name = 'otel_traces'

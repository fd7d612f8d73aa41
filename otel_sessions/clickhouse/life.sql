-- Since when the server runs, in seconds and to a second, for tables that a server keeps by itself; replicated ones note a
-- token and its rows at once, at all servers.
SELECT if(countIf(engine LIKE 'Replicated%' OR engine LIKE 'Shared%') > 0, '', toString(toUnixTimestamp(now()) - uptime()))
FROM system.tables
WHERE database = currentDatabase() AND name IN ('otel_traces', '_otel_traces_local')
HAVING count() > 0

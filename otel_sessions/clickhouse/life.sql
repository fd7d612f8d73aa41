-- Since when the server runs, to 10 seconds, for tables that a server keeps by itself; replicated ones note a token
-- and its rows at once, at all servers.
SELECT if(engine LIKE 'Replicated%' OR engine LIKE 'Shared%', '', toString(intDiv(toUnixTimestamp(now()) - uptime(), 10)))
FROM system.tables
WHERE database = currentDatabase() AND name = 'otel_traces'

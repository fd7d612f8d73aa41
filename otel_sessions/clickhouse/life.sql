-- Which life of the server this is, for tables that a server keeps by itself: the first of the ids that were made since it
-- started. Replicated tables note a token and its rows at once, at all servers.
SELECT if(countIf(engine LIKE 'Replicated%' OR engine LIKE 'Shared%') > 0, '', (SELECT toString(min(Id)) FROM _server_life))
FROM system.tables
WHERE database = currentDatabase() AND name IN ('otel_traces', '_otel_traces_local')
HAVING count() > 0

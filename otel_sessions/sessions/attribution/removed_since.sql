-- A row where a session was deleted since a moment, in ns.
SELECT 1 FROM _forgotten WHERE UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC') LIMIT 1

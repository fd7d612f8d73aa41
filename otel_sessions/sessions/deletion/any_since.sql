-- A row where anything was said of deleted sessions since a moment.
SELECT 1 FROM _forgotten WHERE UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC') LIMIT 1

-- What the table says of itself, and whether that has been so for two weeks.
SELECT engine_full, metadata_modification_time < now() - INTERVAL 14 DAY
FROM system.tables
WHERE database = currentDatabase() AND name = {table:String}

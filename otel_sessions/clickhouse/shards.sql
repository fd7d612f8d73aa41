-- The shards that a table is spread over; no row for a table of one server.
SELECT engine_full FROM system.tables
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND name = {table:String} AND engine = 'Distributed'

SELECT name
FROM system.tables
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND NOT is_temporary
ORDER BY startsWith(name, '_'), name

SELECT count()
FROM system.processes
WHERE query_kind IN ('Insert', 'AsyncInsertFlush') AND elapsed > {seconds:Float64}

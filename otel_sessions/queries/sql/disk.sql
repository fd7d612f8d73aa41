SELECT table, sum(rows) AS Rows, sum(bytes_on_disk) AS Bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY Bytes DESC, table
LIMIT 30

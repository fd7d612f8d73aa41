-- A table and its columns; no row where there is none.
SELECT toString(t.uuid) AS uuid, t.engine AS engine, groupArray(c.name) AS columns
FROM system.tables AS t
INNER JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
WHERE t.database = {database:String} AND t.name = {table:String}
GROUP BY uuid, engine

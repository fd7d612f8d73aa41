-- What may be asked in SQL: tables, with what each is, and their columns.
SELECT
    columns.table AS Name, any(tables.comment) AS Comment,
    arrayMap(column -> tupleElement(column, 2), arraySort(groupArray((position, columns.name)))) AS Columns,
    arrayMap(column -> tupleElement(column, 2), arraySort(groupArray((position, columns.type)))) AS Types,
    arrayMap(column -> tupleElement(column, 2), arraySort(groupArray((position, columns.comment)))) AS Comments
FROM system.columns AS columns
INNER JOIN system.tables AS tables ON tables.database = columns.database AND tables.name = columns.table
WHERE columns.database = currentDatabase() AND columns.table IN {tables:Array(String)} AND NOT startsWith(columns.name, '_')
GROUP BY columns.table
ORDER BY indexOf({tables:Array(String)}, columns.table)

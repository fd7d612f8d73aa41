-- Of each of these tables the parts that it has now, and how many rows they have.
SELECT table AS Table, path AS Path, rows AS Rows
FROM system.parts
WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}

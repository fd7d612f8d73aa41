SELECT DISTINCT lower(name) FROM system.table_functions WHERE name NOT IN (SELECT name FROM system.functions)
UNION ALL
SELECT lower(name) FROM system.functions WHERE origin != 'System'

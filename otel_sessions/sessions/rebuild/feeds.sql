-- The views that fill the tables behind the sessions, and what they say.
SELECT name, as_select
FROM system.tables
WHERE database = currentDatabase() AND name IN {names:Array(String)}

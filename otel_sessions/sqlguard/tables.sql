-- The names of all tables of a database, views included.
SELECT name FROM system.tables WHERE database = {database:String}

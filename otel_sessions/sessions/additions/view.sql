-- Saves a view under its name, or the mark that it is deleted.
INSERT INTO _saved_views (Project, Name, Query, Sort, `Order`, Columns, UpdatedAt, IsDeleted)
SELECT
    {project:String}, {name:String}, {query:String}, {sort:String}, {order:String}, {columns:Array(String)},
    greatest(now64(9, 'UTC'), max(v.UpdatedAt) + INTERVAL 1 MICROSECOND), {is_deleted:UInt8}
FROM _saved_views AS v
WHERE Project = {project:String} AND Name = {name:String}

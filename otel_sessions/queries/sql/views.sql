SELECT Name, Query, Sort, `Order`, Columns, UpdatedAt
FROM _saved_views FINAL
WHERE Project = {project:String} AND IsDeleted = 0
ORDER BY Name

-- What scores have to be, by name; of one name where it is given.
SELECT Name, DataType, MinValue, MaxValue, Categories, Description, IsArchived, CreatedAt, UpdatedAt
FROM _score_configs FINAL
WHERE Project = {project:String} AND IsDeleted = 0 AND Name > {behind:String}
    AND ({name:String} = '' OR Name = {name:String})
ORDER BY Name
LIMIT {limit:UInt32}

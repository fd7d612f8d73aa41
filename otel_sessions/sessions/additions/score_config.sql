-- Saves what scores of a name have to be, or the mark that it is deleted; one that stands keeps its time.
INSERT INTO _score_configs
    (Project, Name, DataType, MinValue, MaxValue, Categories, Description, IsArchived, CreatedAt, UpdatedAt, IsDeleted)
SELECT
    {project:String}, {name:String}, {data_type:String}, {min_value:Nullable(Float64)}, {max_value:Nullable(Float64)},
    {categories:String}, {description:String}, {is_archived:UInt8},
    if(known > 0 AND deleted = 0, created, now64(9, 'UTC')),
    greatest(now64(9, 'UTC'), updated + INTERVAL 1 MICROSECOND),
    {is_deleted:UInt8}
FROM
(
    SELECT
        count() AS known, argMax(c.IsDeleted, c.UpdatedAt) AS deleted, argMax(c.CreatedAt, c.UpdatedAt) AS created,
        max(c.UpdatedAt) AS updated
    FROM _score_configs AS c
    WHERE Project = {project:String} AND Name = {name:String}
)

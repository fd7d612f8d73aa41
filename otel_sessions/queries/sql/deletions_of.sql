-- The jobs of a project that run or ended since a time, the last that began first.
SELECT
    Project, DeletionId, Query, toUnixTimestamp64Nano(FromTime) AS FromNs, toUnixTimestamp64Nano(ToTime) AS ToNs, State,
    Found, Deleted, Error, toUnixTimestamp64Nano(CreatedAt) AS CreatedNs
FROM _deletions FINAL
WHERE Project = {project:String} AND (State = 'running' OR toUnixTimestamp64Nano(UpdatedAt) >= {since:Int64})
ORDER BY State = 'running' DESC, CreatedAt DESC
LIMIT {limit:UInt32}

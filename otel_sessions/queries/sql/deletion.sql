SELECT
    Project, DeletionId, Query, toUnixTimestamp64Nano(FromTime) AS FromNs, toUnixTimestamp64Nano(ToTime) AS ToNs, State,
    Found, Deleted, Error, toUnixTimestamp64Nano(CreatedAt) AS CreatedNs
FROM _deletions FINAL
WHERE Project = {project:String} AND DeletionId = {id:String}

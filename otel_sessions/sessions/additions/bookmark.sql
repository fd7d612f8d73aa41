-- Stars a session, or takes the star back; a star that stands keeps its time.
INSERT INTO _session_bookmarks (Project, SessionId, CreatedAt, UpdatedAt, IsDeleted)
SELECT
    {project:String}, {session_id:String},
    if(known > 0 AND deleted = 0, created, now64(9, 'UTC')),
    greatest(now64(9, 'UTC'), updated + INTERVAL 1 MICROSECOND),
    {is_deleted:UInt8}
FROM
(
    SELECT
        count() AS known, argMax(b.IsDeleted, b.UpdatedAt) AS deleted, argMax(b.CreatedAt, b.UpdatedAt) AS created,
        max(b.UpdatedAt) AS updated
    FROM _session_bookmarks AS b
    WHERE Project = {project:String} AND SessionId = {session_id:String}
)

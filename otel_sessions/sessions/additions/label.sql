-- Gives a session a label, or takes it away; one that stands keeps its time.
INSERT INTO _session_labels (Project, SessionId, Label, CreatedAt, UpdatedAt, IsDeleted)
SELECT
    {project:String}, {session_id:String}, {label:String},
    if(known > 0 AND deleted = 0, created, now64(9, 'UTC')),
    greatest(now64(9, 'UTC'), updated + INTERVAL 1 MICROSECOND),
    {is_deleted:UInt8}
FROM
(
    SELECT
        count() AS known, argMax(l.IsDeleted, l.UpdatedAt) AS deleted, argMax(l.CreatedAt, l.UpdatedAt) AS created,
        max(l.UpdatedAt) AS updated
    FROM _session_labels AS l
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND Label = {label:String}
)

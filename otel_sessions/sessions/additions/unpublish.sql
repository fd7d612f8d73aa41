-- Takes every link to a session back.
INSERT INTO _session_shares
    (TokenHash, Project, SessionId, CreatedAt, ExpiresAt, IsFrozen, Hide, HideRoles, UpdatedAt, IsDeleted)
SELECT
    known.TokenHash, known.Project, known.SessionId, known.CreatedAt, known.ExpiresAt,
    known.IsFrozen, known.Hide, known.HideRoles,
    greatest(now64(9, 'UTC'), known.UpdatedAt + INTERVAL 1 MICROSECOND), 1
FROM
(
    SELECT * FROM _session_shares FINAL
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND IsDeleted = 0
) AS known

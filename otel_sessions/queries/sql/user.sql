-- One user in the columns of session_users, of the sessions alone that may have turns of theirs.
SELECT
    t.Project AS Project,
${../../sessions/parts/user_columns}
FROM
(
    SELECT
${../../sessions/parts/user_turn_columns}
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId IN
    (
${may_have_user}
    )
    GROUP BY Project, SessionId, TraceId
    HAVING sum(m.SpanCount) > 0 AND UserId = {user_id:String}
) AS t
GROUP BY Project, UserId

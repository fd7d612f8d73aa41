-- One user in the columns of session_users, of the sessions alone that may have turns of theirs.
SELECT
${../../sessions/parts/user_columns}
FROM
(
    SELECT
${../../sessions/parts/user_turn_columns}
    FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.SessionId IN
    (
        SELECT SessionId FROM _session_activity WHERE Project = {project:String} AND has(UserIds, {user_id:String})
        UNION ALL
        SELECT SessionId FROM _corrections
        WHERE Project = {project:String} AND has(arrayFlatten(`Minutes.UserIds`), {user_id:String})
    )
    GROUP BY Project, SessionId, TraceId
    HAVING sum(m.SpanCount) > 0 AND UserId = {user_id:String}
) AS t
GROUP BY Project, UserId

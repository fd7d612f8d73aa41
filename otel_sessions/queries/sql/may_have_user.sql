    -- The sessions that may have turns of a user, some of them twice.
    SELECT SessionId FROM _session_activity WHERE Project = {project:String} AND has(UserIds, {user_id:String})
    UNION ALL
    SELECT SessionId FROM _corrections
    WHERE Project = {project:String} AND has(arrayFlatten(`Minutes.UserIds`), {user_id:String})

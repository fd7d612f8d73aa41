-- The last revision that a hook decided on, 0 without any, and after which gap a session has another part.
SELECT
    (
        SELECT toUInt32(max(Revision)) FROM _session_hooks
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Revision,
${../../sessions/parts/split_after}
    AS SplitAfter

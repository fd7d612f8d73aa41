-- What people and the configuration say of one session, in one statement: most of what a small one takes is its plan.
-- `Revision` is the last that a hook decided on, 0 without any; `Share` the newest link to it, or nothing; `MayHaveScores`
-- is 0 where no score of the project can be of it.
SELECT
    (
        SELECT toUInt8(count() > 0) FROM session_bookmarks
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Bookmarked,
    (
        SELECT arraySort(groupUniqArray(Label)) FROM _labels
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Labels,
    (
        SELECT toUInt32(max(Revision)) FROM _session_hooks
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Revision,
    (
        SELECT toUInt8(count() > 0) FROM _scores
        WHERE Project = {project:String} AND SessionId IN ('', {session_id:String})
    ) AS MayHaveScores,
    (
        SELECT arrayReverseSort(groupArray((CreatedAt, ExpiresAt, Mode, Hide, HideRoles)))
        FROM session_shares
        WHERE Project = {project:String} AND SessionId = {session_id:String}
    ) AS Share,
${../../sessions/parts/idle_after}
    AS IdleAfter,
${../../sessions/parts/split_after}
    AS SplitAfter

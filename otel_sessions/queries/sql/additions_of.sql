-- Of each of these sessions: whether it is starred, its labels, and how long after its last span it is idle.
SELECT
    SessionId, max(starred) AS Bookmarked, arraySort(groupUniqArrayIf(label, label != '')) AS Labels,
${../../sessions/parts/idle_after}
    AS IdleAfter
FROM
(
    SELECT arrayJoin({session_ids:Array(String)}) AS SessionId, 0 AS starred, '' AS label
    UNION ALL
    SELECT SessionId, 1 AS starred, '' AS label
    FROM session_bookmarks
    WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)}
    UNION ALL
    SELECT SessionId, 0 AS starred, Label AS label
    FROM _labels
    WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)}
)
GROUP BY SessionId

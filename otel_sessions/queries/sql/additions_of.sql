-- Of these sessions: whether they are starred, and their labels.
SELECT SessionId, max(starred) AS Bookmarked, arraySort(groupUniqArrayIf(label, label != '')) AS Labels
FROM
(
    SELECT SessionId, 1 AS starred, '' AS label
    FROM session_bookmarks
    WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)}
    UNION ALL
    SELECT SessionId, 0 AS starred, Label AS label
    FROM _labels
    WHERE Project = {project:String} AND SessionId IN {session_ids:Array(String)}
)
GROUP BY SessionId

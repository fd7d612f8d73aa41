-- Sessions whose last activity is before a time, and that nothing keeps; without times that make sense it is the arrival of
-- their last span that counts.
SELECT m.Project AS Project, m.SessionId AS SessionId
FROM _turn_minutes AS m
GROUP BY Project, SessionId
HAVING if(max(m.LastEnd) >= 9223372036854775808,
        max(m.LastEnd) - 9223372036854775808 < {before:UInt64},
        (Project, SessionId) NOT IN (
            SELECT Project, SessionId FROM _session_turns WHERE ReceivedAt >= toDateTime(intDiv({before:UInt64}, 1000000000), 'UTC')))
    AND (has({keep:Array(String)}, 'bookmarked') = 0 OR (Project, SessionId) NOT IN (SELECT Project, SessionId FROM session_bookmarks))
    AND (has({keep:Array(String)}, 'labelled') = 0 OR (Project, SessionId) NOT IN (SELECT Project, SessionId FROM _labels))
    AND (has({keep:Array(String)}, 'scored') = 0 OR (Project, SessionId) NOT IN (SELECT Project, SessionId FROM session_scores))
LIMIT {limit:UInt32}

-- The parts of a session that begin with one of these turns, with the first turns of the parts beside them; of a session
-- of one part none.
SELECT *
FROM
(
    SELECT *, lagInFrame(FirstTraceId) OVER beside AS PreviousTraceId, leadInFrame(FirstTraceId) OVER beside AS NextTraceId
    FROM session_parts
    WHERE Project = {project:String} AND SessionId = {session_id:String}
    WINDOW beside AS (ORDER BY Part ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
WHERE FirstTraceId IN {traces:Array(String)} AND (PreviousTraceId != '' OR NextTraceId != '')
ORDER BY Part

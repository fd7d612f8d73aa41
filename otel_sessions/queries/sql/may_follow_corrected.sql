-- The same by a correction.
SELECT SessionId FROM _corrections
WHERE Project = {project:String}
    AND arrayExists(m -> substring(m['session.previous_id'], 9) = {session_id:String}, `Minutes.Metadata`)
LIMIT 1

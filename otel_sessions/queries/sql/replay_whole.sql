-- The spans of some turns, or of all, with what they say, in any order: all of it, or some where it is more than a page may have.
SELECT
${replay_said}
FROM session_spans
WHERE Project = {project:String} AND SessionId = {session_id:String} AND AMONG
SETTINGS max_result_bytes = 8388608, result_overflow_mode = 'break'

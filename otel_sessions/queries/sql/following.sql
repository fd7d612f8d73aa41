-- The sessions that go on from this one, by their start: those whose last span to name any names it.
SELECT m.SessionId AS SessionId
FROM _turn_minutes AS m
WHERE m.Project = {project:String} AND m.SessionId != {session_id:String} AND m.SessionId IN
(
${naming_previous}
)
GROUP BY SessionId
HAVING sum(m.SpanCount) > 0 AND substring(max(m.Metadata['session.previous_id']), 9) = {session_id:String}
ORDER BY bitAnd(min(m.FirstStart), 9223372036854775807), SessionId
LIMIT {limit:UInt32}
SETTINGS optimize_functions_to_subcolumns = 0

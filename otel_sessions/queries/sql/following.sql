-- The sessions that go on from this one, by their start: those whose last span to name any names it.
WITH may_follow AS
(
${naming_previous}
)
SELECT SessionId
FROM _session_turns
PREWHERE Project = {project:String} AND SessionId IN (SELECT SessionId FROM may_follow) AND if(Correction = 0,
    Pair NOT IN (
        SELECT Pair FROM _corrected_turns WHERE Project = {project:String} AND SessionId IN (SELECT SessionId FROM may_follow)),
    (Pair, Correction) IN (
        SELECT Pair, Correction FROM _corrected_turns FINAL
        WHERE Project = {project:String} AND SessionId IN (SELECT SessionId FROM may_follow)))
WHERE SessionId != {session_id:String}
GROUP BY SessionId
HAVING sum(SpanCount) > 0 AND substring(max(Metadata['session.previous_id']), 9) = {session_id:String}
ORDER BY bitAnd(min(FirstStart), 9223372036854775807), SessionId
LIMIT {limit:UInt32}
SETTINGS optimize_functions_to_subcolumns = 0

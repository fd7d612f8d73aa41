-- The sessions that go on from this one, by their start: those whose last span to name any names it.
WITH may_follow AS
(
${naming_previous}
)
SELECT SessionId
FROM
(
    SELECT SessionId, SpanCount, FirstStart, Metadata
    FROM _session_turns
    WHERE Project = {project:String} AND SessionId IN (SELECT SessionId FROM may_follow)
        AND (SessionId, TraceId) NOT IN (
            SELECT SessionId, TraceId FROM _corrections
            WHERE Project = {project:String} AND SessionId IN (SELECT SessionId FROM may_follow))
    UNION ALL
    SELECT
        SessionId, `Minutes.SpanCount` AS SpanCount, `Minutes.FirstStart` AS FirstStart, `Minutes.Metadata` AS Metadata
    FROM _corrections FINAL
    ARRAY JOIN Minutes
    WHERE Project = {project:String} AND SessionId IN (SELECT SessionId FROM may_follow)
)
WHERE SessionId != {session_id:String}
GROUP BY SessionId
HAVING sum(SpanCount) > 0 AND substring(max(Metadata['session.previous_id']), 9) = {session_id:String}
ORDER BY bitAnd(min(FirstStart), 9223372036854775807), SessionId
LIMIT {limit:UInt32}
SETTINGS optimize_functions_to_subcolumns = 0

-- Sessions whose spans are to stay away, as was said since a moment, and of which some are stored all the same: as turns, or as
-- spans of traces that they had, of which the turns went with the deletion while their insert was half done. Spans that name
-- another session by a claim that is no worse than that of the trace are not theirs. By their ids, of sessions and of traces,
-- what is stored is found; which of these a session has had is said by the join.
WITH ids AS
(
    SELECT Project, arrayJoin(arrayPushBack(Traces, SessionId))
    FROM _forgotten FINAL
    WHERE Until > now64(9, 'UTC') AND UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
)
SELECT DISTINCT a.Project AS Project, a.SessionId AS SessionId
FROM
(
    SELECT Project, SessionId, Had.1 AS IsTrace, Had.2 AS Id, Had.3 AS Level
    FROM
    (
        SELECT
            Project, SessionId,
            arrayJoin(arrayPushBack(
                arrayMap((trace, level) -> (1, trace, least(level, 2)), Traces, arrayResize(Levels, length(Traces), 1)),
                (0, SessionId, 0))) AS Had
        FROM _forgotten FINAL
        WHERE Until > now64(9, 'UTC') AND UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
    )
) AS a
INNER JOIN
(
    SELECT DISTINCT Project, 0 AS IsTrace, SessionId AS Id, 9 AS Level, [] AS Named
    FROM _turn_minutes
    WHERE (Project, SessionId) IN (SELECT * FROM ids)
    UNION ALL
    SELECT Project, 1 AS IsTrace, TraceId AS Id, max(ClaimLevel) AS Level, groupUniqArrayIf(ClaimId, ClaimLevel <= 2) AS Named
    FROM otel_traces
    WHERE (Project, TraceId) IN (SELECT * FROM ids)
    GROUP BY Project, TraceId
) AS s ON s.Project = a.Project AND s.IsTrace = a.IsTrace AND s.Id = a.Id
WHERE s.Level > a.Level OR has(s.Named, a.SessionId)

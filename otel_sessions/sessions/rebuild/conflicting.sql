-- Of a chunk of traces those where different spans claim one identity, in several sessions.
SELECT DISTINCT Project, TraceId
FROM
(
    SELECT Project, TraceId, SpanId
    FROM session_candidates
    WHERE (Project, SessionId, TraceId) IN (
        SELECT Project, arrayJoin(sessions), TraceId
        FROM
        (
            SELECT
                Project, TraceId,
                arrayDistinct(arrayMap(p -> p.SessionId, groupUniqArrayArray(c.Places))) AS sessions
            FROM trace_claims AS c
            WHERE TraceId >= {low_trace:String} AND ({last:UInt8} = 1 OR TraceId < {high_trace:String})
                AND ({all:UInt8} = 1 OR (Project, TraceId) IN (SELECT Project, TraceId FROM {best:Identifier}))
            GROUP BY Project, TraceId
        )
        WHERE length(sessions) > 1)
    GROUP BY Project, TraceId, SpanId
    HAVING uniqExact(Version) > 1
)

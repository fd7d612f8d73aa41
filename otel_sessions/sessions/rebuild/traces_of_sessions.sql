-- The traces that have anything to do with some sessions; of a period those that were stored in it.
SELECT DISTINCT Project, TraceId
FROM otel_traces
WHERE ((Project, SessionHint) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))
        OR (Project, ClaimId) IN (
            SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))
        OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM _session_turns
            WHERE (Project, SessionId) IN (
                SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair)))
        OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM _corrections
            WHERE (Project, SessionId) IN (
                SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))))
    AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
        SELECT Project, TraceId
        FROM otel_traces
        WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))

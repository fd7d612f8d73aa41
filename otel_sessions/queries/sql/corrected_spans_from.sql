    FROM _corrected_spans AS s FINAL
    WHERE Project = {project:String} AND SessionHint KEYS AND TraceId IN {corrected:Array(String)}
        AND SpanName != 'otel_sessions.trace_update'
        AND (TraceId, SpanId) IN (
            SELECT TraceId, arrayJoin(Members)
            FROM _corrected_turns FINAL
            WHERE Project = {project:String} AND SessionId KEYS AND TraceId IN {corrected:Array(String)})

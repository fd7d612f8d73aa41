    SELECT
        SessionHint AS SessionId,
${../../sessions/parts/session_source}
        AS SessionSource,
        * EXCEPT (
            SessionHint, ReceivedAt, StartsBeyond, EndsBefore, InputKey, InputChars, InputText, OutputKey, OutputChars, OutputText),
        StartTimeUnixNano, EndTimeUnixNano, Input, Output
    FROM otel_traces AS s
    WHERE Project = {project:String} AND SessionHint KEYS AND SpanName != 'otel_sessions.trace_update'

    FROM otel_traces AS s
    WHERE Project = {project:String} AND SessionHint KEYS AND SpanName != 'otel_sessions.trace_update'

SELECT
    t.Project AS Project, t.TraceId AS TraceId,
${unproven}
    AS IsUnproven,
${may_pause}
    AS MayPause
FROM _trace_claims AS t

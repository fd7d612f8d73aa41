-- What is known of traces that are in no session and ended before a time.
DELETE FROM {table:Identifier}
WHERE (Project, TraceId) IN (
    SELECT t.Project, t.TraceId
    FROM _trace_claims AS t
    GROUP BY t.Project, t.TraceId
    HAVING min(t.Best) = '9' AND max(t.End) < fromUnixTimestamp64Nano({before:Int64}, 'UTC'))

-- Spans that are in no session and began before a time; those of traces that have a session are not among them.
DELETE FROM {table:Identifier}
WHERE SessionHint = '' AND Timestamp < fromUnixTimestamp64Nano({before:Int64}, 'UTC')
    AND (Project, TraceId) NOT IN (
        SELECT t.Project, t.TraceId
        FROM _trace_claims AS t
        GROUP BY t.Project, t.TraceId
        HAVING min(t.Best) != '9')

-- What is to be told now. Of what one hook tells of one session, or one alert, the earlier revision goes first.
SELECT
    h.Hook AS Hook, h.Project AS Project, h.SessionId AS SessionId, h.Revision AS Revision, toString(h.LastActivity) AS LastActivity,
    h.SpanCount AS SpanCount, h.Rows AS Rows, h.State AS State, h.Attempts AS Attempts,
    toUnixTimestamp64Milli(h.NextAttempt) AS NextAttempt, h.Payload AS Payload,
    toUnixTimestamp64Milli(h.DecidedAt) AS DecidedAt
FROM _session_hooks AS h FINAL
WHERE has({hooks:Array(String)}, h.Hook) AND h.State = 'pending'
    AND toUnixTimestamp64Milli(h.NextAttempt) <= {now:Int64}
ORDER BY h.NextAttempt, h.DecidedAt, h.Revision
LIMIT {limit:UInt32}

-- Sessions whose spans are to stay away, as was said since a moment, and of which some are stored all the same.
SELECT DISTINCT Project, SessionId
FROM _turn_minutes
WHERE (Project, SessionId) IN (
    SELECT Project, SessionId
    FROM _forgotten FINAL
    WHERE Until > now64(9, 'UTC') AND UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC'))

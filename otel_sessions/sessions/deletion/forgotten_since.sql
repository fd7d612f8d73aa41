-- Sessions whose spans are to stay away, as was said since a moment.
SELECT Project, SessionId
FROM _forgotten FINAL
WHERE Until > now64(9, 'UTC') AND UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')

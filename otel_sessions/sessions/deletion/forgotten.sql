-- Sessions whose spans are to stay away, and their traces; when that was said, ns since 1970.
SELECT Project, SessionId, Traces, toUnixTimestamp64Nano(UpdatedAt) AS Updated
FROM _forgotten FINAL
WHERE Until > now64(9, 'UTC')

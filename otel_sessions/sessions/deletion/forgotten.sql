-- Sessions whose spans are to stay away, and their traces; until when, and when that was said, ns since 1970.
SELECT Project, SessionId, Traces, arrayResize(Levels, length(Traces), 1) AS Levels, toUnixTimestamp64Nano(f.Until) AS Until, toUnixTimestamp64Nano(f.UpdatedAt) AS Updated
FROM _forgotten AS f FINAL
WHERE f.Until > now64(9, 'UTC')

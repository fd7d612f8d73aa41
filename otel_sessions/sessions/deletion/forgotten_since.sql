-- The same of what was said since a moment, the latest last, whether its time is over or not. Without FINAL: rows that were
-- said before are told by one column.
SELECT Project, SessionId, Traces, arrayResize(Levels, length(Traces), 1) AS Levels, toUnixTimestamp64Nano(f.Until) AS Until, toUnixTimestamp64Nano(f.UpdatedAt) AS Updated
FROM _forgotten AS f
WHERE f.UpdatedAt >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
ORDER BY Updated

-- Sessions whose spans are to stay away, and their traces.
SELECT Project, SessionId, Traces
FROM _forgotten FINAL
WHERE Until > now64(9, 'UTC')

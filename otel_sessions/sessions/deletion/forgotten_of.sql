-- Of some sessions those whose spans are to stay away, their traces, and until when.
SELECT Project, SessionId, Traces, arrayResize(Levels, length(Traces), 1) AS Levels, Until
FROM _forgotten FINAL
WHERE Until > now64(9, 'UTC')
    AND (Project, SessionId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({sessions:Array(Tuple(String, String))}) AS pair))

-- How many rows there are, and where some of them lie. A prefix of an id is as good a boundary as the whole.
SELECT count(), groupArraySample({size:UInt32}, 1)((substringUTF8(SessionHint, 1, 60), substringUTF8(TraceId, 1, 60)))
FROM otel_traces

-- Of the traces given where their spans were stored and between which times, in ns; read once for all statements of a correction.
WITH known AS
(
${../parts/known_traces}
)
SELECT Project, TraceId, Sessions, toUnixTimestamp64Nano(Start) AS First, toUnixTimestamp64Nano(End) AS Last
FROM known

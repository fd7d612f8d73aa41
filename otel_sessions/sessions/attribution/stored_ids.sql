-- A number of 64 bits for each row that speaks of a trace, equal for equal trace ids: what `id_hashes` makes of them. Of both
-- tables, as an insert that was broken off may have reached either, and a deletion tells the second anew.
SELECT bitXor(bitXor(reinterpretAsUInt64(substring(TraceId, 1, 8)) * {first:UInt64}, reinterpretAsUInt64(substring(TraceId, 9, 8)) * {second:UInt64}),
    bitXor(reinterpretAsUInt64(substring(TraceId, 17, 8)) * {third:UInt64}, reinterpretAsUInt64(substring(TraceId, 25, 8)) * {fourth:UInt64}))
FROM
(
    SELECT TraceId FROM otel_traces
    UNION ALL
    SELECT TraceId FROM _trace_claims
)
WHERE length(TraceId) = 32

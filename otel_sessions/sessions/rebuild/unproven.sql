-- Of a chunk of traces those that the sums alone do not prove right and those that may pause, see attribution/candidates.sql.
${../parts/judged_traces}
WHERE t.TraceId >= {low_trace:String} AND ({last:UInt8} = 1 OR t.TraceId < {high_trace:String})
GROUP BY Project, TraceId
HAVING IsUnproven OR MayPause

-- As `span_keys`, of a session without corrections, with the parts of the table in which its spans lie.
SELECT Timestamp, TraceId, SpanId, _part AS Part
${stored_spans_from}
    AND (Timestamp, TraceId, SpanId) > ({time:DateTime64(9, 'UTC')}, {trace_id:String}, {span_id:String})
ORDER BY Timestamp, TraceId, SpanId
LIMIT {limit:UInt32}

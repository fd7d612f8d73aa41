-- A chunk of the spans that were stored before; the views of the table it goes to do the rest.
INSERT INTO {stage:Identifier}
SELECT *
FROM otel_traces
WHERE ReceivedAt <= toDateTime({through:UInt32}, 'UTC')
    AND (SessionHint > {low_session:String} OR (SessionHint = {low_session:String} AND TraceId >= {low_trace:String}))
    AND ({last:UInt8} = 1 OR SessionHint < {high_session:String}
        OR (SessionHint = {high_session:String} AND TraceId < {high_trace:String}))

    FROM session_spans
    WHERE Project = {project:String} AND SessionId = {session_id:String} AND TraceId IN {trace_ids:Array(String)}
        AND Timestamp >= fromUnixTimestamp64Nano({time:Int64}) AND Timestamp <= fromUnixTimestamp64Nano({last_time:Int64})
        AND (Timestamp, SpanId) > (fromUnixTimestamp64Nano({time:Int64}), {span_id:String})
        AND (Timestamp, SpanId) <= (fromUnixTimestamp64Nano({last_time:Int64}), {last_span:String})

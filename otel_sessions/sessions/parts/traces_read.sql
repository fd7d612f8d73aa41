    -- What known_traces says of the traces given, as it was read a moment ago: planned and read in no time, however often.
    SELECT
        given.1 AS Project, given.2 AS TraceId, given.3 AS Sessions,
        fromUnixTimestamp64Nano({start:Int64}, 'UTC') AS Start, fromUnixTimestamp64Nano({end:Int64}, 'UTC') AS End
    FROM (SELECT arrayJoin({known:Array(Tuple(String, String, Array(String)))}) AS given)

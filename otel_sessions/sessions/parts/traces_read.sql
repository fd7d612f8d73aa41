    -- What known_traces says of the traces given, as it was read a moment ago: planned and read in no time, however often. Of a trace
    -- that was counted one row says how many rows it has and which claim is the best of them: its level, and its session, the first.
    SELECT
        given.1 AS Project, given.2 AS TraceId, given.3 AS Sessions, given.4 AS Level, given.5 AS Rows,
        fromUnixTimestamp64Nano({start:Int64}, 'UTC') AS Start, fromUnixTimestamp64Nano({end:Int64}, 'UTC') AS End
    FROM (SELECT arrayJoin({known:Array(Tuple(String, String, Array(String), UInt8, UInt64))}) AS given)

    -- At the latest the last moment that a time can be.
    fromUnixTimestamp64Nano(toUnixTimestamp64Nano(Timestamp) + toInt64(least(
        Duration, toUInt64(9223372036854775807 - toUnixTimestamp64Nano(Timestamp))))) AS _EndTime

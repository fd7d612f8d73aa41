    -- Traces `t` of which two rows of turns may lie more than an hour apart.
    toUnixTimestamp64Nano(max(t.End)) - toUnixTimestamp64Nano(min(t.Start)) > 3600000000000

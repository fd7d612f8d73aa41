SELECT toUnixTimestamp64Nano(now64(9)) AS Now

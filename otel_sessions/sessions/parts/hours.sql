        -- The hours since 1970 from `first_start` to `last_end`, at most so many as stand for any.
        range(
            toUInt32(intDiv(bitAnd(first_start, 9223372036854775807), 3600000000000)) AS first_hour,
            toUInt32(least(intDiv(bitAnd(last_end, 9223372036854775807), 3600000000000), first_hour + 255) + 1))

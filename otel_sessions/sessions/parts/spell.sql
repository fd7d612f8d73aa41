        -- The minutes since 1970 from and to which a turn lies, from `first_start` to `last_end`: 32 bits each.
        bitOr(
            bitShiftLeft(intDiv(bitAnd(first_start, 9223372036854775807), 60000000000), 32),
            intDiv(bitAnd(last_end, 9223372036854775807), 60000000000))

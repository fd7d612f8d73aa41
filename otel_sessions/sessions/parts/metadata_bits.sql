    bitOr(
        bitShiftLeft(toUInt256(1), toUInt8(cityHash64(key, value))),
        bitShiftLeft(toUInt256(1), toUInt8(bitShiftRight(cityHash64(key, value), 8))))

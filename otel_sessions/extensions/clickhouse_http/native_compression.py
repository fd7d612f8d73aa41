"""ClickHouse's own compressed stream, which JDBC clients (DBeaver) ask for with `compress=1`.

A block: CityHash128 (version 1.0.2, as in ClickHouse) of what follows, a byte for LZ4, the size of the block behind the
hash, the size of its content, the content in LZ4. The hash comes from `clickhouse-cityhash`, an optional package.
"""

from __future__ import annotations

import struct
from importlib import import_module
from importlib.util import find_spec
from typing import Any

_LZ4 = 0x82
_HEADER = struct.Struct("<BII")
_BLOCK = 1 << 20
_LOW = (1 << 64) - 1


def available() -> bool:
    return find_spec("clickhouse_cityhash") is not None and find_spec("lz4") is not None


def compressed(data: bytes) -> bytes:
    """`data` as such a stream; nothing for nothing. Raises ImportError if not `available`."""
    lz4: Any = import_module("lz4.block")
    found = bytearray()
    for start in range(0, len(data), _BLOCK):
        content = data[start : start + _BLOCK]
        packed: bytes = lz4.compress(content, store_size=False)
        block = _HEADER.pack(_LZ4, _HEADER.size + len(packed), len(content)) + packed
        found += checksum(block) + block
    return bytes(found)


def checksum(block: bytes) -> bytes:
    """The 16 bytes that stand before a block."""
    value: int = import_module("clickhouse_cityhash.cityhash").CityHash128(block)
    return struct.pack("<QQ", value >> 64, value & _LOW)

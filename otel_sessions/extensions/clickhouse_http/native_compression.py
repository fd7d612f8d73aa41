# SPDX-License-Identifier: Apache-2.0
"""ClickHouse's own compressed stream: `compress=1` for answers, `decompress=1` for what is inserted.

clickhouse-go and the JDBC drivers ask for it unless told otherwise. A block: CityHash128 (version 1.0.2, as in
ClickHouse) of what follows, a byte for the method, the size of the block behind the hash, the size of its content, the
content compressed.
"""

from __future__ import annotations

import struct
import sys

import lz4.block  # type: ignore[import-untyped]
from clickhouse_cityhash.cityhash import CityHash128  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from otel_sessions.errors import QueryError, TooLarge

_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_METHODS = {"NONE": _NONE, "LZ4": _LZ4, "LZ4HC": _LZ4, "ZSTD": _ZSTD}
_HEADER = struct.Struct("<BII")
_HASH_BYTES = 16
_BLOCK = 1 << 20
_LOW = (1 << 64) - 1


def compressed(data: bytes, method: str = "LZ4") -> bytes:
    """`data` as such a stream, empty for nothing. `method` is a `network_compression_method`; any other is LZ4."""
    chosen = _METHODS.get(method.upper(), _LZ4)
    found = bytearray()
    for start in range(0, len(data), _BLOCK):
        content = data[start : start + _BLOCK]
        packed: bytes = content
        if chosen == _ZSTD:
            packed = zstd.compress(content, 1)
        elif chosen == _LZ4:
            packed = lz4.block.compress(content, store_size=False)
        block = _HEADER.pack(chosen, _HEADER.size + len(packed), len(content)) + packed
        found += checksum(block) + block
    return bytes(found)


def decompressed(stream: bytes, limit: int) -> bytes:
    """The content of such a stream.

    Raises `TooLarge` past `limit` bytes, before they are inflated, and `QueryError` for a stream that is broken.
    """
    found = bytearray()
    at = 0
    while at < len(stream):
        if len(stream) < at + _HASH_BYTES + _HEADER.size:
            raise _broken_error("it ends early")
        method, size, content = _HEADER.unpack_from(stream, at + _HASH_BYTES)
        if size < _HEADER.size or method not in _METHODS.values():
            raise _broken_error("no such block")
        end = at + _HASH_BYTES + size
        block = stream[at + _HASH_BYTES : end]
        if len(block) != size or checksum(block) != stream[at : at + _HASH_BYTES]:
            raise _broken_error("a checksum does not match")
        if len(found) + content > limit:
            raise TooLarge(f"Code: 307. DB::Exception: The body is over {limit} bytes. (TOO_MANY_BYTES)")
        found += _unpacked(block[_HEADER.size :], method, content)
        at = end
    return bytes(found)


def checksum(block: bytes) -> bytes:
    """The 16 bytes that stand before a block."""
    value: int = CityHash128(block)
    return struct.pack("<QQ", value >> 64, value & _LOW)


def _unpacked(packed: bytes, method: int, size: int) -> bytes:
    """The content of a block, `size` bytes of it. Raises `QueryError` where it is broken."""
    try:
        content: bytes = packed
        if method == _LZ4:
            content = lz4.block.decompress(packed, uncompressed_size=size)
        elif method == _ZSTD:
            content = zstd.ZstdDecompressor().decompress(packed, size + 1)
    except (lz4.block.LZ4BlockError, zstd.ZstdError) as error:
        raise _broken_error(str(error)) from error
    if len(content) != size:
        raise _broken_error("a block has another size than it says")
    return content


def _broken_error(why: str) -> QueryError:
    return QueryError(f"Code: 271. DB::Exception: Cannot decompress the body: {why}. (CANNOT_DECOMPRESS)")

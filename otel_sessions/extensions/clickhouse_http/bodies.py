"""Request bodies: bounded, decompressed within the same bound, and forms taken apart."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from otel_sessions.errors import QueryError, TooLarge

_CHUNK = 1 << 20


class Body:
    """Collects a request's body. `add` raises `TooLarge` past `limit` bytes, and so does `content` once inflated."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise self._too_large()
        self._parts.append(chunk)

    def content(self, encoding: str) -> bytes:
        """What was sent, decompressed. Raises `QueryError` for an unknown encoding, or bytes that are not in it."""
        data = b"".join(self._parts)
        if encoding in ("", "identity"):
            return data
        if encoding not in _DECODERS:
            raise QueryError(f"Code: 48. DB::Exception: Unknown compression method: {encoding}. (NOT_IMPLEMENTED)")
        try:
            inflated = _DECODERS[encoding](data, self._limit + 1)
        except (zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
            raise QueryError(f"Code: 354. DB::Exception: {encoding} failed: {error}. (ZLIB_INFLATE_FAILED)") from error
        if len(inflated) > self._limit:
            raise self._too_large()
        return inflated

    def _too_large(self) -> TooLarge:
        return TooLarge(f"Code: 307. DB::Exception: The body is over {self._limit} bytes. (TOO_MANY_BYTES)")


def _zlib(window: int) -> Callable[[bytes, int], bytes]:
    def inflate(data: bytes, limit: int) -> bytes:
        found = io.BytesIO()
        while data and found.tell() < limit:  # members may follow one another
            decoder = zlib.decompressobj(window)
            found.write(decoder.decompress(data, limit - found.tell()))
            if not decoder.eof and found.tell() < limit:
                raise zlib.error("the data end early")
            data = decoder.unused_data
        return found.getvalue()

    return inflate


def _lz4(data: bytes, limit: int) -> bytes:
    # clickhouse-connect brings it, for older Pythons only
    from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped] # noqa: PLC0415

    decoder: Any = LZ4FrameDecompressor()
    found: bytes = decoder.decompress(data, limit)
    if not decoder.eof and len(found) < limit:
        raise EOFError("the data end early")
    return found


def _zstd(data: bytes, limit: int) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore] # noqa: PLC0415
    except ImportError:
        from backports import zstd  # noqa: PLC0415
    with zstd.open(io.BytesIO(data)) as file:
        inflated: bytes = file.read(limit)
    return inflated


_DECODERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "gzip": _zlib(31),
    "x-gzip": _zlib(31),
    "deflate": _zlib(15),
    "lz4": _lz4,
    "zstd": _zstd,
}


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The text fields of multipart/form-data. Raises `QueryError` for a file: that would be an external table."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise QueryError("Code: 48. DB::Exception: External tables are not supported here. (NOT_IMPLEMENTED)")
        payload = part.get_payload(decode=True)
        fields[str(name)] = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return fields

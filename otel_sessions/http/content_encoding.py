"""`Content-Encoding` of request bodies, undone within a bound."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from otel_sessions.errors import InvalidData, TooLarge

SUPPORTED: Final = ("gzip", "deflate", "zstd")
_PLAIN: Final = ("", "identity", "none")
_MAX_MEMBERS: Final = 32  # every member of a gzip file, or frame of zstd, has what follows it copied
_MAX_WINDOW_LOG: Final = 23  # 8 MiB, https://www.rfc-editor.org/rfc/rfc9659

_DECODERS: Final[Mapping[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "x-gzip": lambda: zlib.decompressobj(31),
    "deflate": lambda: zlib.decompressobj(15),
    "zlib": lambda: zlib.decompressobj(15),  # as the Collector's exporter says with `compression: zlib`
    "zstd": lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}),
}


class UnsupportedMediaType(InvalidData):
    """A content type or encoding that nobody here reads: HTTP 415. `accept_encoding` is what to send instead."""

    def __init__(self, message: str, *, accept_encoding: str = "") -> None:
        super().__init__(message)
        self.accept_encoding = accept_encoding


class ContentEncoding:
    """One of the header's values, any case. `UnsupportedMediaType` for one that is not known."""

    def __init__(self, header: str) -> None:
        self._name = header.strip().lower()
        if self._name not in _PLAIN and self._name not in _DECODERS:
            raise UnsupportedMediaType(
                f"the content encoding {self._name!r} is not supported; send {', '.join(SUPPORTED)} or none",
                accept_encoding=", ".join(SUPPORTED),
            )

    def most(self, limit: int) -> int:
        """How many bytes a body of `limit` bytes can come to; compression makes some a little longer."""
        return limit if self._name in _PLAIN else limit + limit // 256 + 1024

    def decoded(self, data: bytes, limit: int) -> bytes:
        """The body, never inflated past `limit` bytes and one: `TooLarge`. `InvalidData` when it is broken."""
        if self._name not in _PLAIN:
            try:
                data = self._inflated(data, limit)
            except (zlib.error, zstd.ZstdError, EOFError) as error:
                raise InvalidData(f"the body is not {self._name}: {error}") from error
        if len(data) > limit:
            raise over(limit)
        return data

    def _inflated(self, data: bytes, limit: int) -> bytes:
        found: list[bytes] = []
        left = limit + 1
        while data and left:
            if len(found) == _MAX_MEMBERS:
                raise EOFError(f"over {_MAX_MEMBERS} members")
            decoder = _DECODERS[self._name]()
            found.append(decoder.decompress(data, left))
            left -= len(found[-1])
            if left and not decoder.eof:
                raise EOFError("it ends early")
            data = decoder.unused_data
        return b"".join(found)


def over(limit: int) -> TooLarge:
    return TooLarge(f"the request is over the limit of {limit} bytes")

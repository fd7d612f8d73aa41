# SPDX-License-Identifier: Apache-2.0
"""Answers in gzip or zstd, for clients that take them; what is streamed is compressed as it goes, in bounded memory."""

from __future__ import annotations

import asyncio
import re
import sys
import zlib
from typing import Any, Final, Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_sessions.http.answers import note_made_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIN_BYTES: Final = 1024
"""A body that is smaller goes out as it is."""
_ASIDE: Final = 64 << 10
"""A piece of more bytes is compressed in another thread, so that nobody waits for it."""
_PREFERRED: Final = ("zstd", "gzip")
_AS_THEY_ARE: Final = ("text/event-stream", "application/vnd.apache.parquet", "image/png")
"""Content types that have to go out at once, or are compressed already."""
_BY_PIECES: Final = "text/html"
"""The content type of which every piece is read as it comes: none waits in the compressor for the next."""
_MAX_WINDOW_LOG: Final = 20
_CODING: Final = re.compile(r"\s*([\w*+.-]+)\s*(?:;\s*q\s*=\s*(\d(?:\.\d*)?)\s*)?", re.ASCII)
_MAX_HEADER: Final = 1000


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: Any = ..., /) -> bytes: ...


def chosen(accept_encoding: str) -> str | None:
    """`zstd`, `gzip`, or None for no compression, by the header of a request: what it weighs most, then zstd first."""
    weights: dict[str, float] = {}
    for item in accept_encoding[:_MAX_HEADER].lower().split(","):
        coding = _CODING.fullmatch(item)
        if coding is not None:
            weights[coding[1]] = float(coding[2] or 1)
    others = weights.get("*", 0.0)
    best = max(_PREFERRED, key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


class Compressed:
    """An application whose answers are compressed where the client takes that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = _Answer(send, chosen(Headers(scope=scope).get("accept-encoding", "")))
        await self._app(scope, receive, send)


class _Answer:
    """Sends one answer: its start is held until its first piece tells whether it is worth compressing."""

    def __init__(self, send: Send, coding: str | None) -> None:
        self._send = send
        self._coding = coding
        self._start: Message | None = None
        self._compressor: _Compressor | None = None
        self._piece_mode = 0
        """What flushes the compressor so that all before can be read; 0 where it need not be."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, is_last = bytes(message.get("body", b"")), not message.get("more_body", False)
        if self._start is not None:
            start, self._start = self._start, None
            self._begin(start, body if is_last else None)
            await self._send(start)
        if self._compressor is not None:
            note_made_of(len(body))
            body = await self._compressed(self._compressor, body, is_last=is_last)
        await self._send({**message, "body": body})

    def _begin(self, start: Message, whole: bytes | None) -> None:
        """Decides, by the headers and the body if it is known, and says so in the headers."""
        headers = MutableHeaders(raw=start["headers"])
        headers.add_vary_header("Accept-Encoding")
        is_small = whole is not None and len(whole) < MIN_BYTES
        type_ = headers.get("content-type", "").partition(";")[0]
        if self._coding is None or is_small or "content-encoding" in headers or type_ in _AS_THEY_ARE:
            return
        headers["Content-Encoding"] = self._coding
        del headers["Content-Length"]
        self._compressor = _compressor(self._coding)
        if type_ == _BY_PIECES:
            self._piece_mode = zlib.Z_SYNC_FLUSH if self._coding == "gzip" else zstd.ZstdCompressor.FLUSH_BLOCK

    async def _compressed(self, compressor: _Compressor, body: bytes, *, is_last: bool) -> bytes:
        def work() -> bytes:
            packed = compressor.compress(body)
            if is_last:
                return packed + compressor.flush()
            return packed + compressor.flush(self._piece_mode) if self._piece_mode and body else packed

        return await asyncio.to_thread(work) if len(body) > _ASIDE else work()


def _compressor(coding: str) -> _Compressor:
    if coding == "gzip":
        return zlib.compressobj(1, wbits=31)
    wanted: dict[int, int] = {
        zstd.CompressionParameter.compression_level: 3,
        zstd.CompressionParameter.window_log: _MAX_WINDOW_LOG,
    }
    return zstd.ZstdCompressor(options=wanted)

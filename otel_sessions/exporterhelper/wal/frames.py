"""The bytes of a segment: a header, then a frame for each request.

A frame is a marker, a checksum, the lengths of project and body, the project, the body. The checksum (CRC-32) covers
all that follows it. The marker is where reading goes on after a damaged frame.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from otel_sessions.component import Request

HEADER: Final = b"otel-sessions wal 1\n"
_MARKER: Final = b"\xf5SPN"
_PREFIX: Final = struct.Struct("<4sI")  # marker, checksum
_LENGTHS: Final = struct.Struct("<II")  # of project and body
_OVERHEAD: Final = _PREFIX.size + _LENGTHS.size


def frame(request: Request) -> bytes:
    """One request as it stands in a segment."""
    project = request.project.encode("utf-8", "surrogatepass")
    lengths = _LENGTHS.pack(len(project), len(request.body))
    checksum = zlib.crc32(request.body, zlib.crc32(project, zlib.crc32(lengths)))
    return b"".join((_PREFIX.pack(_MARKER, checksum), lengths, project, request.body))


@dataclass(slots=True)
class Contents:
    """What a segment holds: its requests, where the last whole one ends, and how many bytes before that are damaged.

    What follows `end` is a torn tail: a write that did not come to its end, of requests that were not answered.
    """

    requests: list[Request] = field(default_factory=list)
    end: int = 0
    damaged_bytes: int = 0


def contents(data: bytes) -> Contents:
    """Reads a segment as far as it goes; what is damaged in its midst is skipped and counted."""
    found = Contents()
    if not data.startswith(HEADER):
        if HEADER.startswith(data):  # torn in its first write
            return found
        found.damaged_bytes = min(len(HEADER), len(data))
    view = memoryview(data)
    at = found.end = min(len(HEADER), len(data))
    while at < len(data):
        taken = _frame_at(view, at)
        if taken is None:
            at = _next_frame(data, view, at + 1)
            continue
        request, end = taken
        found.damaged_bytes += at - found.end
        found.requests.append(request)
        at = found.end = end
    return found


def _next_frame(data: bytes, view: memoryview, at: int) -> int:
    """Where the next whole frame begins, or the end of the data."""
    while (at := data.find(_MARKER, at)) >= 0:
        if _frame_at(view, at) is not None:
            return at
        at += 1
    return len(data)


def _frame_at(view: memoryview, at: int) -> tuple[Request, int] | None:
    """The request of the frame at this place and where the frame ends, if there is a whole one."""
    if at + _OVERHEAD > len(view):
        return None
    marker, checksum = _PREFIX.unpack_from(view, at)
    lengths = at + _PREFIX.size
    project_bytes, body_bytes = _LENGTHS.unpack_from(view, lengths)
    project = lengths + _LENGTHS.size
    body = project + project_bytes
    end = body + body_bytes
    if marker != _MARKER or end > len(view) or zlib.crc32(view[lengths:end]) != checksum:
        return None
    return Request(bytes(view[body:end]), str(view[project:body], "utf-8", "surrogatepass")), end


def size_of(requests: Sequence[Request]) -> int:
    """How many bytes their frames take, projects of ASCII text assumed."""
    return sum(_OVERHEAD + len(request.project) + len(request.body) for request in requests)

# SPDX-License-Identifier: Apache-2.0
"""The bytes of a segment: a header, then groups of frames, a frame for each request and a group for each write.

A frame is a marker, a checksum, the lengths of project and body, the project, the body. The checksum (CRC-32) covers
all that follows it. The marker is where reading goes on after a damaged frame, and tells the first of a group from
those that follow: a group is answered as a whole, so one that a crash has torn was answered in no part.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from otel_sessions.component import Request

HEADER: Final = b"otel-sessions wal 2\n"
_WITHOUT_GROUPS: Final = b"otel-sessions wal 1\n"  # of the first releases; as long as `HEADER`
_FIRST: Final = b"\xf5SPG"
_NEXT: Final = b"\xf5SPN"
_ANY: Final = b"\xf5SP"
_PREFIX: Final = struct.Struct("<4sI")  # marker, checksum
_LENGTHS: Final = struct.Struct("<II")  # of project and body
_PIECE_BYTES: Final = 4 * 2**20
_OVERHEAD: Final = _PREFIX.size + _LENGTHS.size


def frames(requests: Sequence[Request]) -> Iterator[bytes]:
    """A group, in pieces: the requests as they stand in a segment. What is large is not copied."""
    found, nbytes = list[bytes](), 0
    for place, request in enumerate(requests):
        found += (_head(request, first=not place), request.body)
        nbytes += len(request.body)
        if nbytes >= _PIECE_BYTES:
            large = len(request.body) >= _PIECE_BYTES
            yield b"".join(found[:-1] if large else found)
            if large:
                yield request.body
            found, nbytes = [], 0
    yield b"".join(found)


def frame(request: Request, *, first: bool = True) -> bytes:
    """One request as it stands in a segment."""
    return _head(request, first=first) + request.body


def _head(request: Request, *, first: bool) -> bytes:
    """What stands before the body."""
    project = request.project.encode("utf-8", "surrogatepass")
    lengths = _LENGTHS.pack(len(project), len(request.body))
    checksum = zlib.crc32(request.body, zlib.crc32(project, zlib.crc32(lengths)))
    return b"".join((_PREFIX.pack(_FIRST if first else _NEXT, checksum), lengths, project))


@dataclass(slots=True)
class Contents:
    """What a segment holds: its requests, and where the last whole one ends.

    `damaged_bytes` are those of groups that were answered. `torn_bytes` are those of the last write, which did not come
    to its end, so that nothing in it was answered; what follows `end` belongs to it too.
    """

    requests: list[Request] = field(default_factory=list)
    end: int = 0
    damaged_bytes: int = 0
    torn_bytes: int = 0


def contents(data: bytes) -> Contents:
    """Reads a segment as far as it goes; what is damaged in its midst is skipped and counted."""
    found = Contents()
    grouped = not data.startswith(_WITHOUT_GROUPS)
    view = memoryview(data)
    at = found.end = min(len(HEADER), len(data))
    skipped = 0  # since the last group began
    if not data.startswith((HEADER, _WITHOUT_GROUPS)):
        skipped = len(HEADER)
        if len(data) < len(HEADER):  # torn in its first write
            found.end = 0
            return found
    while at < len(data):
        taken = _frame_at(view, at)
        if taken is None:
            at = _next_frame(data, view, at + 1)
            continue
        request, end, first = taken
        skipped += at - found.end
        if first or not grouped:  # the groups before were answered
            found.damaged_bytes += skipped
            skipped = 0
        found.requests.append(request)
        at = found.end = end
    found.torn_bytes = skipped
    return found


def _next_frame(data: bytes, view: memoryview, at: int) -> int:
    """Where the next whole frame begins, or the end of the data."""
    while (at := data.find(_ANY, at)) >= 0:
        if _frame_at(view, at) is not None:
            return at
        at += 1
    return len(data)


def _frame_at(view: memoryview, at: int) -> tuple[Request, int, bool] | None:
    """The request of the frame at this place, where the frame ends and whether it begins a group, if it is whole."""
    if at + _OVERHEAD > len(view):
        return None
    marker, checksum = _PREFIX.unpack_from(view, at)
    lengths = at + _PREFIX.size
    project_bytes, body_bytes = _LENGTHS.unpack_from(view, lengths)
    project = lengths + _LENGTHS.size
    body = project + project_bytes
    end = body + body_bytes
    if marker not in {_FIRST, _NEXT} or end > len(view) or zlib.crc32(view[lengths:end]) != checksum:
        return None
    request = Request(bytes(view[body:end]), str(view[project:body], "utf-8", "surrogatepass"))
    return request, end, marker == _FIRST


def size_of(requests: Sequence[Request]) -> int:
    """How many bytes their frames take, projects of ASCII text assumed."""
    return sum(_OVERHEAD + len(request.project) + len(request.body) for request in requests)

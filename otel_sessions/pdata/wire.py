# SPDX-License-Identifier: Apache-2.0
"""The compiled scanner `_wire.c`, loaded with ctypes: requests in, Arrow arrays over its memory out."""

from __future__ import annotations

import ctypes
import logging
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from otel_sessions.pdata.attributes import Named

FORCE: Final = "OTEL_SESSIONS_DECODER"
"""Environment variable: `reference` keeps the compiled decoder from being used."""

OWNERS: Final = ("resource", "scope", "span", "event", "link")
"""Whose attributes there are, in the order of `enum owner`."""

_VERSION: Final = "3"
_DEFERRED_WIDTH: Final = 5

logger = logging.getLogger(__name__)


class Result(NamedTuple):
    """What the scanner says of a request, as `struct result`; all 0 of one that it leaves to the reference decoder."""

    understood: int
    accepted: int
    bad_trace: int
    bad_span: int
    bad_parent: int
    shared: int  # at least what `otlp.shared_bytes` says
    attributes: int  # the most of a span that is taken, and so on
    events: int
    links: int
    longest: int  # in `check`: at least the bytes of the longest value of a span or resource


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("capacity", ctypes.c_size_t))


@dataclass(frozen=True, slots=True)
class Scanner:
    library: Any
    places: Mapping[str, int]  # of columns, by name


@cache
def scanner() -> Scanner | None:
    """The scanner, if it was built at the install and is of this version."""
    path = Path(__file__).with_name("_wire.so")
    if os.environ.get(FORCE) == "reference" or not path.exists():
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.wire_layout.restype = ctypes.c_char_p
        version, *names = library.wire_layout().decode("ascii").split()
    except (OSError, AttributeError) as exc:  # built for another machine
        logger.warning("the compiled decoder cannot be loaded: %s", exc)
        return None
    if version != _VERSION:
        logger.warning("the compiled decoder is of another version; install again")
        return None
    library.wire_decode.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64)
    library.wire_decode.restype = ctypes.c_void_p
    library.wire_check.argtypes = (*library.wire_decode.argtypes, ctypes.c_void_p)
    library.wire_check.restype = ctypes.c_bool
    library.wire_columns.argtypes = (ctypes.c_void_p,)
    library.wire_columns.restype = ctypes.POINTER(_Buffer)
    library.wire_free.argtypes = (ctypes.c_void_p,)
    library.wire_free.restype = None
    return Scanner(library, {name: place for place, name in enumerate(names)})


def scan(requests: Sequence[bytes], max_shared: int) -> Columns | None:
    """The plain ones among the requests; those that repeat more than `max_shared` bytes are none.

    None if there is no scanner, or no memory for them all.
    """
    found = scanner()
    wire = found.library.wire_decode(*_arguments(requests, max_shared)) if found else None  # without the GIL
    return Columns(found, wire) if found and wire else None


def check(requests: Sequence[bytes], max_shared: int) -> list[Result] | None:
    """The results that `scan` would have, without columns; None if there is no scanner, or no memory."""
    found = scanner()
    numbers = np.empty((len(requests), len(Result._fields)), np.uint64)
    if found is None or not found.library.wire_check(*_arguments(requests, max_shared), numbers.ctypes.data):
        return None
    return list(starmap(Result, numbers.tolist()))


def _arguments(requests: Sequence[bytes], max_shared: int) -> tuple[Any, ...]:
    count = len(requests)
    sizes = (ctypes.c_size_t * count)(*map(len, requests))
    return (ctypes.c_char_p * count)(*requests), sizes, count, max_shared


class Columns:
    """The scanner's columns. Their memory is freed when the last array over it is gone."""

    def __init__(self, scanner: Scanner, wire: int) -> None:
        self._buffers = scanner.library.wire_columns(wire)
        self._places = scanner.places
        # Not at the exit of the interpreter: what still refers to an array then may use it.
        weakref.finalize(self, scanner.library.wire_free, wire).atexit = False

    def results(self) -> list[Result]:
        """The results of all requests, in their order."""
        return list(starmap(Result, self._numbers("result", np.uint64).reshape(-1, len(Result._fields)).tolist()))

    def deferred(self) -> dict[str, npt.NDArray[np.int64]]:
        """The values whose text is left to Python, by owner: entry, request, and offset and size of the AnyValue."""
        records = self._numbers("deferred_value", np.uint64).reshape(-1, _DEFERRED_WIDTH).astype(np.int64)
        owners = np.unique(records[:, 0]).tolist()
        return {OWNERS[owner]: records[records[:, 0] == owner, 1:] for owner in owners}

    def buffer(self, name: str) -> pa.Buffer:
        buffer = self._buffers[self._places[name]]
        return pa.foreign_buffer(buffer.data, buffer.size, base=self)

    def _numbers(self, name: str, type_: type[np.generic]) -> npt.NDArray[Any]:
        return np.frombuffer(self.buffer(name), type_)

    def array(self, name: str, type_: pa.DataType) -> pa.Array:
        buffer = self.buffer(name)
        return pa.Array.from_buffers(type_, buffer.size * 8 // type_.bit_width, [None, buffer])

    def uint32(self, name: str) -> pa.UInt32Array:
        return self.array(name, pa.uint32())

    def ends(self, name: str) -> pa.Int32Array:
        return self.array(name, pa.int32())

    def text(self, name: str) -> pa.StringArray:
        ends = self.buffer(f"{name}_ends")
        return pa.StringArray.from_buffers(ends.size // 4 - 1, ends, self.buffer(name))

    def names(self, name: str, known: pa.StringArray) -> pa.StringArray:
        return known.take(self.array(name, pa.uint8()))

    def lists(self, name: str, values: pa.Array) -> pa.ListArray:
        return pa.ListArray.from_arrays(self.ends(name), values)

    def named(self, values: pa.StringArray) -> Named | None:
        """The attributes of spans by name, with these values; None where there are too many names."""
        names, codes = self.text("name"), self._numbers("span_attribute_name", np.int32)
        if len(codes) and not len(names):
            return None
        offsets, ends = (self._numbers(name, np.int32) for name in ("span_attributes", "named_ends"))
        places, rows = (self._numbers(f"named_{what}", np.int32) for what in ("place", "row"))
        return Named(len(offsets) - 1, offsets, names, codes, values, ends, places, rows)

    def maps(self, owner: str, values: pa.StringArray) -> pa.MapArray:
        return pa.MapArray.from_arrays(self.ends(f"{owner}_attributes"), self.text(f"{owner}_keys"), values)

"""OTLP trace requests to one `SpanBatch`, by the compiled scanner `_wire.c` where there is one.

requests > scan, all in one call > columns as they are in memory > texts left to Python > requests left to `otlp`

The scanner takes what is plain and leaves out what is not, so the result is that of `otlp.decode`, always.
"""

from __future__ import annotations

import ctypes
import logging
import os
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_sessions.errors import InvalidData
from otel_sessions.pdata import otlp
from otel_sessions.pdata.batch import SpanBatch
from otel_sessions.pdata.otlp import Decoded, RequestResult
from otel_sessions.pdata.rows import BAD_PARENT, BAD_SPAN, BAD_TRACE, KINDS, STATUSES, Rows
from otel_sessions.pdata.schema import ATTRIBUTES, TIMESTAMP
from otel_sessions.pdata.values import as_text

FORCE: Final = "OTEL_SESSIONS_DECODER"
"""Environment variable: `reference` keeps the compiled decoder from being used."""

_VERSION: Final = "1"  # of the functions of _wire.c
_OWNERS: Final = ("resource", "scope", "span", "event", "link")  # enum owner
_FAULTS: Final = (BAD_TRACE, BAD_SPAN, BAD_PARENT)  # in the order of struct result
_RESULT_WIDTH: Final = 6
_DEFERRED_WIDTH: Final = 5
_KINDS: Final = pa.array(KINDS, pa.string())
_STATUSES: Final = pa.array(STATUSES, pa.string())

logger = logging.getLogger(__name__)


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("capacity", ctypes.c_size_t))


@dataclass(frozen=True, slots=True)
class _Scanner:
    library: Any
    places: Mapping[str, int]  # of columns, by name


def decoder() -> str:
    """Which decoder `decode` uses: `compiled` or `reference`."""
    return "compiled" if _scanner() else "reference"


def decode(requests: Sequence[bytes], projects: Sequence[str]) -> Decoded:
    """As `otlp.decode`, and with the same result."""
    if len(requests) != len(projects):
        raise ValueError(f"{len(requests)} requests, but {len(projects)} projects")
    scanner = _scanner()
    columns = _scanned(scanner, requests) if scanner else None
    decoded = _decoded(columns, requests, projects) if columns else None
    return decoded or otlp.decode(requests, projects)


def _decoded(columns: _Columns, requests: Sequence[bytes], projects: Sequence[str]) -> Decoded | None:
    """None if the requests may be too much for one batch, which is for the reference decoder to say."""
    found = columns.numbers("result", np.uint64).reshape(-1, _RESULT_WIDTH).tolist()
    left = {number: otlp.parsed(requests[number]) for number, (understood, *_) in enumerate(found) if not understood}
    shared = sum(result[-1] for result in found)
    shared += sum(otlp.shared_bytes(message) for message in left.values() if not isinstance(message, InvalidData))
    if not otlp.fit_one_batch(sum(map(len, requests)), shared):
        return None
    rows = Rows()
    results = [
        _result(*counts[1:5]) if number not in left else otlp.added(rows, left[number], number, projects[number])
        for number, counts in enumerate(found)
    ]
    batch = _batch(columns, requests, projects)
    return Decoded(_in_order(batch, rows.batch()) if len(rows) else batch, tuple(results))


def _result(accepted: int, *faults: int) -> RequestResult:
    counter = Counter({fault: count for fault, count in zip(_FAULTS, faults, strict=True) if count})
    return RequestResult(accepted, counter.total(), otlp.sentence(accepted, counter))


def _in_order(first: SpanBatch, second: SpanBatch) -> SpanBatch:
    """The spans of both, by the number of their request."""
    both = pa.concat_batches([first.record, second.record])
    return SpanBatch(both.take(pa.array(np.argsort(both.column("Request").to_numpy(), kind="stable"))))


# --- the scanner ---


@cache
def _scanner() -> _Scanner | None:
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
    library.wire_columns.argtypes = (ctypes.c_void_p,)
    library.wire_columns.restype = ctypes.POINTER(_Buffer)
    library.wire_free.argtypes = (ctypes.c_void_p,)
    library.wire_free.restype = None
    return _Scanner(library, {name: place for place, name in enumerate(names)})


def _scanned(scanner: _Scanner, requests: Sequence[bytes]) -> _Columns | None:
    """None if the scanner found no memory for them all."""
    count = len(requests)
    bodies = (ctypes.c_char_p * count)(*requests)
    sizes = (ctypes.c_size_t * count)(*map(len, requests))
    wire = scanner.library.wire_decode(bodies, sizes, count, otlp.MAX_SHARED_BYTES)  # without the GIL
    return _Columns(scanner, wire) if wire else None


class _Columns:
    """The scanner's columns. Their memory is freed when the last array over it is gone."""

    def __init__(self, scanner: _Scanner, wire: int) -> None:
        self._buffers = scanner.library.wire_columns(wire)
        self._places = scanner.places
        weakref.finalize(self, scanner.library.wire_free, wire)

    def buffer(self, name: str) -> pa.Buffer:
        buffer = self._buffers[self._places[name]]
        return pa.foreign_buffer(buffer.data, buffer.size, base=self)

    def numbers(self, name: str, type_: type[np.generic]) -> npt.NDArray[Any]:
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

    def maps(self, owner: str, values: pa.StringArray) -> pa.MapArray:
        return pa.MapArray.from_arrays(self.ends(f"{owner}_attributes"), self.text(f"{owner}_keys"), values)


# --- columns of a batch ---


def _batch(columns: _Columns, requests: Sequence[bytes], projects: Sequence[str]) -> SpanBatch:
    resource, scope = columns.uint32("span_resource"), columns.uint32("span_scope")
    if not len(resource):
        return Rows().batch()
    values = _values(columns, requests)
    return SpanBatch.from_wire(
        {name: array.take(resource) for name, array in _resource_columns(columns, values["resource"], projects).items()}
        | {name: array.take(scope) for name, array in _scope_columns(columns, values["scope"]).items()}
        | _span_columns(columns, values["span"])
        | _event_columns(columns, values["event"])
        | _link_columns(columns, values["link"])
    )


def _values(columns: _Columns, requests: Sequence[bytes]) -> dict[str, pa.StringArray]:
    """The values of attributes, by owner, with the texts that the scanner left to us."""
    values = {owner: columns.text(f"{owner}_values") for owner in _OWNERS}
    deferred = columns.numbers("deferred_value", np.uint64).reshape(-1, _DEFERRED_WIDTH).astype(np.int64)
    for number in np.unique(deferred[:, 0]):
        owner, records = _OWNERS[number], deferred[deferred[:, 0] == number]
        mask = np.zeros(len(values[owner]), np.bool_)
        mask[records[:, 1]] = True
        texts = starmap(lambda request, at, size: _text(requests[request][at : at + size]), records[:, 2:].tolist())
        values[owner] = pc.replace_with_mask(values[owner], pa.array(mask), pa.array(list(texts), pa.string()))
    return values


def _text(raw: bytes) -> str:
    return as_text(AnyValue.FromString(raw))


def _resource_columns(columns: _Columns, values: pa.StringArray, projects: Sequence[str]) -> dict[str, pa.Array]:
    request = columns.uint32("resource_request")
    service = columns.numbers("resource_service", np.int32)
    return {
        "Request": request,
        "Project": pa.array(projects, pa.string()).take(request),
        "ServiceName": values.take(pa.array(service, mask=service < 0)).fill_null(""),
        "ResourceCompositeKeys": columns.lists("resource_composites", columns.text("resource_composite")),
        "ResourceAttributes": columns.maps("resource", values),
        "ResourceSchemaUrl": columns.text("resource_schema_url"),
        "ResourceDroppedAttributesCount": columns.uint32("resource_dropped"),
    }


def _scope_columns(columns: _Columns, values: pa.StringArray) -> dict[str, pa.Array]:
    return {
        "ScopeName": columns.text("scope_name"),
        "ScopeVersion": columns.text("scope_version"),
        "ScopeAttributes": columns.maps("scope", values),
        "ScopeSchemaUrl": columns.text("scope_schema_url"),
        "ScopeDroppedAttributesCount": columns.uint32("scope_dropped"),
    }


def _span_columns(columns: _Columns, values: pa.StringArray) -> dict[str, pa.Array]:
    return {
        "SpanCompositeKeys": columns.lists("span_composites", columns.text("span_composite")),
        "Timestamp": columns.array("span_timestamp", TIMESTAMP),
        "TraceId": columns.text("span_trace_id"),
        "SpanId": columns.text("span_id"),
        "ParentSpanId": columns.text("span_parent_id"),
        "TraceState": columns.text("span_trace_state"),
        "Flags": columns.uint32("span_flags"),
        "SpanName": columns.text("span_name"),
        "SpanKind": columns.names("span_kind", _KINDS),
        "SpanAttributes": columns.maps("span", values),
        "DroppedAttributesCount": columns.uint32("span_dropped"),
        "StartTimeUnixNano": columns.array("span_start", pa.uint64()),
        "EndTimeUnixNano": columns.array("span_end", pa.uint64()),
        "Duration": columns.array("span_duration", pa.uint64()),
        "StatusCode": columns.names("span_status", _STATUSES),
        "StatusMessage": columns.text("span_message"),
        "DroppedEventsCount": columns.uint32("span_dropped_events"),
        "DroppedLinksCount": columns.uint32("span_dropped_links"),
    }


def _event_columns(columns: _Columns, values: pa.StringArray) -> dict[str, pa.Array]:
    flat = {
        "Events.Timestamp": columns.array("event_timestamp", TIMESTAMP),
        "Events.Name": columns.text("event_name"),
        "Events.Attributes": columns.maps("event", values),
        "Events.DroppedAttributesCount": columns.uint32("event_dropped"),
    }
    return {name: columns.lists("span_events", array) for name, array in flat.items()}


def _link_columns(columns: _Columns, values: pa.StringArray) -> dict[str, pa.Array]:
    flat = {
        "Links.TraceId": columns.text("link_trace_id"),
        "Links.SpanId": columns.text("link_span_id"),
        "Links.TraceState": columns.text("link_trace_state"),
        "Links.Attributes": columns.maps("link", values),
        "Links.DroppedAttributesCount": columns.uint32("link_dropped"),
        "Links.Flags": columns.uint32("link_flags"),
    }
    return {name: columns.lists("span_links", array) for name, array in flat.items()}

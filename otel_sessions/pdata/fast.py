# SPDX-License-Identifier: Apache-2.0
"""OTLP trace requests to one `SpanBatch`, by the compiled scanner where there is one.

requests > scan, all in one call > columns as they are in memory > texts left to Python > requests left to `otlp`

The scanner takes what is plain and leaves out what is not, so the result is that of `otlp.decode`, always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_sessions.errors import InvalidData
from otel_sessions.pdata import otlp, wire
from otel_sessions.pdata.batch import SpanBatch
from otel_sessions.pdata.otlp import Checked, Decoded, RequestResult
from otel_sessions.pdata.rows import BAD_PARENT, BAD_SPAN, BAD_TRACE, KINDS, STATUSES, Rows
from otel_sessions.pdata.schema import TIMESTAMP
from otel_sessions.pdata.values import as_text
from otel_sessions.pdata.wire import Columns

_FAULTS: Final = (BAD_TRACE, BAD_SPAN, BAD_PARENT)  # in the order of wire.Result
_KINDS: Final = pa.array(KINDS, pa.string())
_STATUSES: Final = pa.array(STATUSES, pa.string())


def decoder() -> str:
    """Which decoder `decode` uses: `compiled` or `reference`."""
    return "compiled" if wire.scanner() else "reference"


def decode(requests: Sequence[bytes], projects: Sequence[str]) -> Decoded:
    """Decodes requests with the same result as `otlp.decode`."""
    if len(requests) != len(projects):
        raise ValueError(f"{len(requests)} requests, but {len(projects)} projects")
    columns = wire.scan(requests, otlp.MAX_SHARED_BYTES)
    decoded = _decoded(columns, requests, projects) if columns else None
    return decoded or otlp.decode(requests, projects)


def check(requests: Sequence[bytes], longer_than: int = 2**32) -> Checked:
    """What `decode` would say of each request, without its spans. Values of more than `longer_than` bytes are long."""
    found: Sequence[wire.Result | None] = wire.check(requests, otlp.MAX_SHARED_BYTES) or [None] * len(requests)
    parts = [
        Checked((_result(result),), frozenset(), result.attributes, result.events, result.links)
        if result and result.understood
        else otlp.checked(otlp.parsed(body), longer_than)
        for result, body in zip(found, requests, strict=True)
    ]
    long_keys = set[str]().union(*(part.long_keys for part in parts))
    if any(result and result.longest > longer_than for result in found):
        columns = wire.scan(requests, otlp.MAX_SHARED_BYTES)
        if columns is None:
            raise MemoryError(f"no memory for the columns of {len(requests)} requests")
        for owner in ("resource", "span"):
            long = pc.greater(pc.binary_length(columns.text(f"{owner}_values")), longer_than)
            long_keys.update(pc.unique(columns.text(f"{owner}_keys").filter(long)).to_pylist())
    counts = zip(*((part.attributes, part.events, part.links) for part in parts), strict=True)
    return Checked(tuple(part.results[0] for part in parts), frozenset(long_keys), *map(max, counts))


def _decoded(columns: Columns, requests: Sequence[bytes], projects: Sequence[str]) -> Decoded | None:
    """None if the requests may be too much for one batch, which is for the reference decoder to say."""
    found = columns.results()
    left = {number: otlp.parsed(requests[number]) for number, result in enumerate(found) if not result.understood}
    shared = sum(result.shared for result in found)
    shared += sum(otlp.shared_bytes(message) for message in left.values() if not isinstance(message, InvalidData))
    if not otlp.fit_one_batch(sum(map(len, requests)), shared):
        return None
    rows = Rows()
    results = [
        otlp.added(rows, left[number], number, projects[number]) if number in left else _result(result)
        for number, result in enumerate(found)
    ]
    batch = _batch(columns, requests, projects)
    if len(rows):  # the spans of both decoders, by the number of their request
        both = pa.concat_batches([batch.record, rows.batch().record])
        batch = SpanBatch(both.take(pa.array(np.argsort(both.column("Request").to_numpy(), kind="stable"))))
    return Decoded(batch, tuple(results))


def _result(found: wire.Result) -> RequestResult:
    if not (found.bad_trace or found.bad_span or found.bad_parent):
        return RequestResult(found.accepted, 0, "")
    counts = zip(_FAULTS, (found.bad_trace, found.bad_span, found.bad_parent), strict=True)
    faults = Counter({fault: count for fault, count in counts if count})
    return RequestResult(found.accepted, faults.total(), otlp.sentence(found.accepted, faults))


# --- columns of a batch ---


def _batch(columns: Columns, requests: Sequence[bytes], projects: Sequence[str]) -> SpanBatch:
    resource, scope = columns.uint32("span_resource"), columns.uint32("span_scope")
    if not len(resource):
        return Rows().batch()
    values = _values(columns, requests)
    request = columns.uint32("resource_request")
    service = columns.array("resource_service", pa.int32()).to_numpy()
    of_resources = {
        "Request": request,
        "Project": pa.array(projects, pa.string()).take(request),
        "ServiceName": values["resource"].take(pa.array(service, mask=service < 0)).fill_null(""),
        "ResourceCompositeKeys": columns.lists("resource_composites", columns.text("resource_composite")),
        "ResourceAttributes": columns.maps("resource", values["resource"]),
        "ResourceSchemaUrl": columns.text("resource_schema_url"),
        "ResourceDroppedAttributesCount": columns.uint32("resource_dropped"),
    }
    of_scopes = {
        "ScopeName": columns.text("scope_name"),
        "ScopeVersion": columns.text("scope_version"),
        "ScopeAttributes": columns.maps("scope", values["scope"]),
        "ScopeSchemaUrl": columns.text("scope_schema_url"),
        "ScopeDroppedAttributesCount": columns.uint32("scope_dropped"),
    }
    named = columns.named(values["span"])
    return SpanBatch.from_wire(
        {name: array.take(resource) for name, array in of_resources.items()}
        | {name: array.take(scope) for name, array in of_scopes.items()}
        | _span_columns(columns, values["span"])
        | _list_columns(columns, values),
        {"SpanAttributes": named} if named else None,
    )


def _values(columns: Columns, requests: Sequence[bytes]) -> dict[str, pa.StringArray]:
    """The values of attributes, by owner, with the texts that the scanner left to us."""
    values = {owner: columns.text(f"{owner}_values") for owner in wire.OWNERS}
    for owner, records in columns.deferred().items():
        mask = np.zeros(len(values[owner]), np.bool_)
        mask[records[:, 0]] = True
        raw = (requests[request][at : at + size] for request, at, size in records[:, 1:].tolist())
        texts = [as_text(AnyValue.FromString(each)) for each in raw]
        values[owner] = pc.replace_with_mask(values[owner], pa.array(mask), pa.array(texts, pa.string()))
    return values


def _span_columns(columns: Columns, values: pa.StringArray) -> dict[str, pa.Array]:
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


def _list_columns(columns: Columns, values: dict[str, pa.StringArray]) -> dict[str, pa.Array]:
    """Columns of events and links, a list a span."""
    of_events = {
        "Events.Timestamp": columns.array("event_timestamp", TIMESTAMP),
        "Events.Name": columns.text("event_name"),
        "Events.Attributes": columns.maps("event", values["event"]),
        "Events.DroppedAttributesCount": columns.uint32("event_dropped"),
    }
    of_links = {
        "Links.TraceId": columns.text("link_trace_id"),
        "Links.SpanId": columns.text("link_span_id"),
        "Links.TraceState": columns.text("link_trace_state"),
        "Links.Attributes": columns.maps("link", values["link"]),
        "Links.DroppedAttributesCount": columns.uint32("link_dropped"),
        "Links.Flags": columns.uint32("link_flags"),
    }
    return {name: columns.lists("span_events", array) for name, array in of_events.items()} | {
        name: columns.lists("span_links", array) for name, array in of_links.items()
    }

# SPDX-License-Identifier: Apache-2.0
"""OTLP trace requests, protobuf bytes, to one `SpanBatch`: the reference decoder.

requests > parse, one by one > rows of resources, scopes, spans, events, links > columns
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.errors import InvalidData, TooLarge
from otel_sessions.pdata import lenient
from otel_sessions.pdata.batch import SpanBatch
from otel_sessions.pdata.rows import Rows

MAX_SHARED_BYTES: Final = 256 * 2**20
"""How much the resources and scopes of a request may come to once they stand beside each of their spans."""
_MAX_COLUMN_BYTES: Final = 2**31 - 1  # 32-bit offsets of an Arrow string column
_MAX_GROWTH: Final = 6  # one byte of a string can become six in JSON: \u003c


@dataclass(frozen=True, slots=True)
class RequestResult:
    """What became of one request: its spans counted, and why it or some of them were refused."""

    accepted_spans: int = 0
    rejected_spans: int = 0
    message: str = ""
    error: InvalidData | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """The valid spans of all requests that could be read, in order, and one result a request.

    The column `Request` is the request's index in `results`.
    """

    batch: SpanBatch
    results: tuple[RequestResult, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to say of requests before their spans are decoded: a result for each, and of them all the keys of
    attributes, of spans and resources, that have a long value, and the most attributes, events and links of a span."""

    results: tuple[RequestResult, ...]
    long_keys: frozenset[str] = frozenset()
    attributes: int = 0
    events: int = 0
    links: int = 0


def decode(requests: Sequence[bytes], projects: Sequence[str]) -> Decoded:
    """Decodes `ExportTraceServiceRequest`s, each of the project at its index in `projects`.

    A request or span that is wrong is refused by itself: its result says so, the others are unaffected. Raises
    `TooLarge` if the requests are too much for one batch; one request alone, up to 256 MiB, never is.
    """
    messages = [parsed(body) for body in requests]
    good = [message for message in messages if not isinstance(message, InvalidData)]
    if not fit_one_batch(sum(map(len, requests)), sum(map(shared_bytes, good))):
        raise TooLarge(f"{len(requests)} requests are too much for one batch; decode fewer at a time")
    rows = Rows()
    results = [
        added(rows, message, number, project)
        for number, (message, project) in enumerate(zip(messages, projects, strict=True))
    ]
    return Decoded(rows.batch(), tuple(results))


def checked(message: ExportTraceServiceRequest | InvalidData, longer_than: int) -> Checked:
    """What `decode` would say of a request; values of more than so many bytes are long, perhaps some that have not many
    less."""
    result = added(Rows(), message, 0, "")
    if isinstance(message, InvalidData):
        return Checked((result,))
    spans = [span for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]
    owners: tuple[Any, ...] = (*(group.resource for group in message.resource_spans), *spans)
    return Checked(
        (result,),
        frozenset(each.key for owner in owners for each in owner.attributes if each.value.ByteSize() > longer_than),
        *(max((len(getattr(span, what)) for span in spans), default=0) for what in ("attributes", "events", "links")),
    )


def fit_one_batch(sent: int, shared: int) -> bool:
    """Whether requests of so many bytes, and of so many `shared_bytes`, surely fit the columns of one batch."""
    return max(sent, shared) * _MAX_GROWTH <= _MAX_COLUMN_BYTES


def parsed(body: bytes) -> ExportTraceServiceRequest | InvalidData:
    """The request in `body`, or why it is refused."""
    try:
        try:
            message = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            message = lenient.parse(body)
    except DecodeError as exc:
        error = InvalidData(f"not an OTLP ExportTraceServiceRequest in protobuf: {exc}")
        error.__cause__ = exc
        return error
    if shared_bytes(message) > MAX_SHARED_BYTES:
        return InvalidData(
            f"resources and scopes, repeated for each of their spans, come to over {MAX_SHARED_BYTES >> 20} MiB; "
            "send smaller resource attributes, or fewer spans a request"
        )
    return message


def shared_bytes(message: ExportTraceServiceRequest) -> int:
    """What its resources and scopes come to, repeated for each of their spans."""
    total = 0
    for group in message.resource_spans:
        resource = group.resource.ByteSize() + len(group.schema_url)
        for scope in group.scope_spans:
            total += (resource + scope.scope.ByteSize() + len(scope.schema_url)) * len(scope.spans)
    return total


def added(rows: Rows, message: ExportTraceServiceRequest | InvalidData, number: int, project: str) -> RequestResult:
    """Adds the valid spans of a request to the rows."""
    if isinstance(message, InvalidData):
        return RequestResult(error=message)
    first = len(rows)
    faults = rows.add_request(message, number, project)
    accepted = len(rows) - first
    return RequestResult(accepted, faults.total(), sentence(accepted, faults))


def sentence(accepted: int, faults: Counter[str]) -> str:
    """What a developer should know of the spans that were refused, or nothing."""
    if not faults:
        return ""
    rejected = faults.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(faults.items()))
    return f"{rejected} of {accepted + rejected} spans rejected: {reasons}"

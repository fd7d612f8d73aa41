# SPDX-License-Identifier: Apache-2.0
"""How a value of a column gets back into a protobuf message.

A column has text where the message has a value of a type: where the text is that of the value, the value stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableSequence, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.pdata.rows import KINDS, STATUSES
from otel_sessions.pdata.values import as_text

Pairs = Iterable[tuple[str, str]]
_EVENTS: Final = ("Events.Timestamp", "Events.Name", "Events.Attributes")
_LINKS: Final = ("Links.TraceId", "Links.SpanId", "Links.TraceState", "Links.Attributes")


def attributes(target: Any, row: Pairs) -> None:
    """Those that the row has not are gone, those that it has beside them are added; other text replaces a value."""
    texts = dict(row)
    for place in range(len(target) - 1, -1, -1):
        pair = target[place]
        text = texts.pop(pair.key, None)
        if text is None:
            del target[place]
        elif (pair.value.string_value or as_text(pair.value)) != text:
            pair.value.string_value = text
    target.extend(KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in texts.items())


def once(target: Any) -> None:
    """Of keys that occur more than once the last value stays: it is the only one that processors see."""
    last = {pair.key: pair for pair in target}
    if len(last) < len(target):
        _replace(target, [KeyValue(key=key, value=pair.value) for key, pair in last.items()])


def _events(span: Span, row: Mapping[str, Sequence[Any]]) -> None:
    """The events of the row; where there are others than were sent, their attributes are text."""
    times, names, maps = (row[name] for name in _EVENTS)
    if len(span.events) != len(names):
        _replace(span.events, [Span.Event(time_unix_nano=time.value) for time in times])
    for event, name, pairs in zip(span.events, names, maps, strict=True):
        event.name = name
        attributes(event.attributes, pairs)


def _links(span: Span, row: Mapping[str, Sequence[Any]]) -> None:
    """The links of the row; where there are others than were sent, their attributes are text."""
    traces, spans, states, maps = (row[name] for name in _LINKS)
    if len(span.links) != len(traces):
        _replace(
            span.links,
            [
                Span.Link(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(id_))
                for trace, id_ in zip(traces, spans, strict=True)
            ],
        )
    for link, state, pairs in zip(span.links, states, maps, strict=True):
        link.trace_state = state
        attributes(link.attributes, pairs)


def _replace(target: MutableSequence[Any], items: Sequence[Any]) -> None:
    del target[:]
    target.extend(items)


def _name(span: Span, text: str) -> None:
    span.name = text


def _trace_state(span: Span, text: str) -> None:
    span.trace_state = text


def _kind(span: Span, text: str) -> None:
    span.kind = KINDS.index(text)  # type: ignore[assignment]


def _status_code(span: Span, text: str) -> None:
    span.status.code = STATUSES.index(text)  # type: ignore[assignment]


def _status_message(span: Span, text: str) -> None:
    span.status.message = text


def _span_attributes(span: Span, row: Pairs) -> None:
    attributes(span.attributes, row)


SPAN: Final[Mapping[str, Callable[[Span, Any], None]]] = {
    "SpanName": _name,
    "TraceState": _trace_state,
    "SpanKind": _kind,
    "StatusCode": _status_code,
    "StatusMessage": _status_message,
    "SpanAttributes": _span_attributes,
}
"""What makes a span's field of a column's value, by column."""

PARTS: Final[Mapping[Sequence[str], Callable[[Span, Mapping[str, Sequence[Any]]], None]]] = {
    _EVENTS: _events,
    _LINKS: _links,
}
"""What makes the events or links of a span of a row, by the columns that hold them."""

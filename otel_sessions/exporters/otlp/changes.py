# SPDX-License-Identifier: Apache-2.0
"""What processors have changed of the spans that were sent, row by row, and how it gets into protobuf messages.

A column has text where the message has a value of a type: where the text is that of the value, the value stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.pdata.rows import KINDS, STATUSES
from otel_sessions.pdata.values import as_text

Mask: TypeAlias = npt.NDArray[np.bool_]
Pairs = Iterable[tuple[str, str]]
RESOURCE: Final = "ResourceAttributes"
SCOPE: Final = "ScopeAttributes"
SPAN: Final = ("SpanName", "TraceState", "SpanKind", "StatusCode", "StatusMessage", "SpanAttributes")
_EVENTS: Final = ("Events.Timestamp", "Events.Name", "Events.Attributes")
_LINKS: Final = ("Links.TraceId", "Links.SpanId", "Links.TraceState", "Links.Attributes")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that differs from what was sent, and in which rows it does."""

    values: Sequence[Any]
    changed: Mask


class Changes:
    """The columns of a batch held against the requests that it came in.

    Only what `SPAN` and `PARTS` name, and the attributes of resources and scopes, is carried over.
    """

    def __init__(self, batch: SpanBatch) -> None:
        self.numbers: npt.NDArray[np.uint32] = np.unique(batch["Request"].to_numpy())
        """The numbers of the requests that have rows, in order."""
        # The rows of the batch as they were sent: its requests decoded once more.
        sent = decode([batch.requests[number] for number in self.numbers], [""] * len(self.numbers)).batch
        begins = np.searchsorted(sent["Request"].to_numpy(), np.arange(len(self.numbers)))
        rows = begins[np.searchsorted(self.numbers, batch["Request"].to_numpy())] + batch["Position"].to_numpy()
        if len(rows) == len(sent) and (rows == np.arange(len(rows))).all():
            before = sent.record
        else:
            before = sent.record.take(pa.array(rows))
        self.sizes: Sequence[int] = np.diff(before.column("SpanAttributes").offsets.to_numpy()).tolist()
        """How many different keys the attributes of each span had."""
        names = (*SPAN, *(name for part in PARTS for name in part), RESOURCE, SCOPE)
        self._columns: dict[str, Column] = {}
        """Those in which any row differs from what was sent."""
        for name in names:
            if not batch[name].equals(before.column(name)):
                values = batch[name].to_pylist()
                pairs = zip(values, before.column(name).to_pylist(), strict=True)
                changed = np.fromiter((one != other for one, other in pairs), np.bool_, len(values))
                self._columns[name] = Column(values, changed)
        self._spans = [(name, self._columns[name]) for name in SPAN if name in self._columns]
        self._parts = [
            (edit, {name: batch[name].to_pylist() for name in part}, self._changed(part))
            for part, edit in PARTS.items()
            if any(name in self._columns for name in part)
        ]
        self._touched = self._changed([name for name in names if name not in {RESOURCE, SCOPE}])

    def attributes(self, name: str, row: int) -> Sequence[tuple[str, str]] | None:
        """The attributes of a resource or scope as this row has them; None if they are those that were sent."""
        column = self._columns.get(name)
        found: Sequence[tuple[str, str]] | None = column.values[row] if column and column.changed[row] else None
        return found

    def apply(self, span: Span, row: int) -> None:
        """Makes of the span that was sent what the row says."""
        if not self._touched[row]:
            return
        for name, column in self._spans:
            if column.changed[row]:
                set_field(span, name, column.values[row])
        for edit_part, columns, changed in self._parts:
            if changed[row]:
                edit_part(span, {name: values[row] for name, values in columns.items()})

    def _changed(self, names: Sequence[str]) -> Mask:
        """In which rows any of these columns differs."""
        masks = (self._columns[name].changed for name in names if name in self._columns)
        return reduce(np.logical_or, masks, np.zeros(len(self.sizes), np.bool_))


def set_field(span: Span, column: str, value: Any) -> None:
    """Makes the field of the span that a column of `SPAN` is of say what the column does."""
    match column:
        case "SpanName":
            span.name = value
        case "TraceState":
            span.trace_state = value
        case "SpanKind":
            span.kind = KINDS.index(value)  # type: ignore[assignment]
        case "StatusCode":
            span.status.code = STATUSES.index(value)  # type: ignore[assignment]
        case "StatusMessage":
            span.status.message = value
        case "SpanAttributes":
            set_attributes(span.attributes, value)


def set_attributes(target: Any, row: Pairs) -> None:
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


def keep_last(target: Any) -> None:
    """Of keys that occur more than once the last value stays: it is the only one that processors see."""
    last = {pair.key: pair for pair in target}
    if len(last) < len(target):
        _replace(target, [KeyValue(key=key, value=pair.value) for key, pair in last.items()])


def _set_events(span: Span, row: Mapping[str, Sequence[Any]]) -> None:
    """The events of the row; where there are others than were sent, their attributes are text."""
    times, names, maps = (row[name] for name in _EVENTS)
    if len(span.events) != len(names):
        _replace(span.events, [Span.Event(time_unix_nano=time.value) for time in times])
    for event, name, pairs in zip(span.events, names, maps, strict=True):
        event.name = name
        set_attributes(event.attributes, pairs)


def _set_links(span: Span, row: Mapping[str, Sequence[Any]]) -> None:
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
        set_attributes(link.attributes, pairs)


def _replace(target: MutableSequence[Any], items: Sequence[Any]) -> None:
    del target[:]
    target.extend(items)


PARTS: Final[Mapping[Sequence[str], Callable[[Span, Mapping[str, Sequence[Any]]], None]]] = {
    _EVENTS: _set_events,
    _LINKS: _set_links,
}
"""What makes the events or links of a span of a row, by the columns that hold them."""

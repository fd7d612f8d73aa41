"""What processors have changed of the spans that were sent, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.exporters.otlp import edits
from otel_sessions.pdata import SpanBatch, decode

Mask: TypeAlias = npt.NDArray[np.bool_]
RESOURCE: Final = "ResourceAttributes"
SCOPE: Final = "ScopeAttributes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that differs from what was sent, and in which rows it does."""

    values: pa.Array
    changed: Mask


class Changes:
    """The columns of a batch held against the requests that it came in.

    Only what `edits.SPAN` and `edits.PARTS` name, and the attributes of resources and scopes, is carried over.
    """

    def __init__(self, batch: SpanBatch) -> None:
        self.numbers: npt.NDArray[np.uint32] = np.unique(batch["Request"].to_numpy())
        """Of the requests that have rows."""
        before = _as_sent(batch, self.numbers)
        self._batch = batch
        self._columns = {
            name: Column(batch[name], changed)
            for name in (*edits.SPAN, *edits.PARTS, RESOURCE, SCOPE)
            if (changed := _differing(batch[name], before.column(name))) is not None
        }

    def attributes(self, name: str, row: int) -> tuple[tuple[str, str], ...] | None:
        """The attributes of a resource or scope as this row has them; None if they are those that were sent."""
        column = self._columns.get(name)
        return tuple(column.values[row].as_py()) if column and column.changed[row] else None

    def apply(self, span: Span, row: int) -> None:
        """Makes of the span that was sent what the row says."""
        for name, column in self._columns.items():
            if name in edits.SPAN and column.changed[row]:
                edits.SPAN[name](span, column.values[row].as_py())
        for columns, edit in _part_edits():
            if any(name in self._columns and self._columns[name].changed[row] for name in columns):
                edit(span, {name: self._batch[name][row].as_py() for name in columns})


def _part_edits() -> Sequence[tuple[Sequence[str], Callable[[Span, dict[str, list[Any]]], None]]]:
    return ((edits.EVENTS, edits.events), (edits.LINKS, edits.links))


def _as_sent(batch: SpanBatch, numbers: npt.NDArray[np.uint32]) -> pa.RecordBatch:
    """The rows of the batch as its requests have them."""
    sent = decode([batch.requests[number] for number in numbers], [""] * len(numbers)).batch
    begins = np.searchsorted(sent["Request"].to_numpy(), np.arange(len(numbers)))
    rows = begins[np.searchsorted(numbers, batch["Request"].to_numpy())] + batch["Position"].to_numpy()
    if len(rows) == len(sent) and (rows == np.arange(len(rows))).all():
        return sent.record
    return sent.record.take(pa.array(rows))


def _differing(now: pa.Array, sent: pa.Array) -> Mask | None:
    """The rows that differ; None if no row does."""
    if now.equals(sent):
        return None
    if pa.types.is_string(now.type):
        changed: Mask = pc.not_equal(now, sent).to_numpy(zero_copy_only=False)
        return changed
    pairs = zip(now.to_pylist(), sent.to_pylist(), strict=True)
    return np.fromiter((one != other for one, other in pairs), np.bool_, len(now))

# SPDX-License-Identifier: Apache-2.0
"""What processors have changed of the spans that were sent, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.exporters.otlp import edits
from otel_sessions.pdata import SpanBatch, decode

Mask: TypeAlias = npt.NDArray[np.bool_]
RESOURCE: Final = "ResourceAttributes"
SCOPE: Final = "ScopeAttributes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that differs from what was sent, and in which rows it does."""

    values: Sequence[Any]
    changed: Mask


class Changes:
    """The columns of a batch held against the requests that it came in.

    Only what `edits.SPAN` and `edits.PARTS` name, and the attributes of resources and scopes, is carried over.
    """

    def __init__(self, batch: SpanBatch) -> None:
        self.numbers: npt.NDArray[np.uint32] = np.unique(batch["Request"].to_numpy())
        """The numbers of the requests that have rows, in order."""
        before = _as_sent(batch, self.numbers)
        self.sizes: Sequence[int] = np.diff(before.column("SpanAttributes").offsets.to_numpy()).tolist()
        """How many different keys the attributes of each span had."""
        names = (*edits.SPAN, *(name for part in edits.PARTS for name in part), RESOURCE, SCOPE)
        self._columns = {
            name: column for name in names if (column := _differing(batch[name], before.column(name))) is not None
        }
        self._spans = [(edit, self._columns[name]) for name, edit in edits.SPAN.items() if name in self._columns]
        self._parts = [
            (edit, {name: batch[name].to_pylist() for name in part}, self._changed(part))
            for part, edit in edits.PARTS.items()
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
        for edit, column in self._spans:
            if column.changed[row]:
                edit(span, column.values[row])
        for edit_part, columns, changed in self._parts:
            if changed[row]:
                edit_part(span, {name: values[row] for name, values in columns.items()})

    def _changed(self, names: Sequence[str]) -> Mask:
        """In which rows any of these columns differs."""
        masks = (self._columns[name].changed for name in names if name in self._columns)
        return reduce(np.logical_or, masks, np.zeros(len(self.sizes), np.bool_))


def _as_sent(batch: SpanBatch, numbers: npt.NDArray[np.uint32]) -> pa.RecordBatch:
    """The rows of the batch as they were sent: its requests decoded once more."""
    sent = decode([batch.requests[number] for number in numbers], [""] * len(numbers)).batch
    begins = np.searchsorted(sent["Request"].to_numpy(), np.arange(len(numbers)))
    rows = begins[np.searchsorted(numbers, batch["Request"].to_numpy())] + batch["Position"].to_numpy()
    if len(rows) == len(sent) and (rows == np.arange(len(rows))).all():
        return sent.record
    return sent.record.take(pa.array(rows))


def _differing(now: pa.Array, sent: pa.Array) -> Column | None:
    """The column where it differs from what was sent; None if no row differs."""
    if now.equals(sent):
        return None
    values = now.to_pylist()
    pairs = zip(values, sent.to_pylist(), strict=True)
    return Column(values, np.fromiter((one != other for one, other in pairs), np.bool_, len(now)))

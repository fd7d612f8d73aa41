# SPDX-License-Identifier: Apache-2.0
"""`SpanBatch`: spans as one Arrow record batch of the declared schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa

from otel_sessions.pdata.attributes import Named
from otel_sessions.pdata.schema import DERIVED_DEFAULTS, SCHEMA

_SHARED_ROWS: Final = 65_536
"""Some 10 MB of defaults, made when a batch first needs them."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the sender of a request should know although its spans were taken.

    `requests` are numbers as in the column `Request`, each once.
    """

    requests: tuple[int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Spans in columns: `record` has exactly the schema `pdata.SCHEMA`, without nulls.

    `requests` are the bodies that the spans came in, by the column `Request`; empty where no exporter asks for them.
    """

    record: pa.RecordBatch
    notes: tuple[Note, ...] = field(default=())
    requests: tuple[bytes, ...] = field(default=(), repr=False)
    _named: dict[str, Named] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.record.schema.equals(SCHEMA):
            raise TypeError(f"not the schema of a SpanBatch: {self.record.schema}")

    @classmethod
    def from_wire(cls, columns: Mapping[str, pa.Array], named: Mapping[str, Named] | None = None) -> SpanBatch:
        """A batch of the wire and transient columns given, with every derived column at its default.

        `Position` is counted if it is not given; the spans of a request stand together. `named` are the attributes of
        columns by name, where that is known.
        """
        rows = len(columns["TraceId"])
        if "Position" not in columns:
            numbers, count = columns["Request"].to_numpy(), np.arange(rows, dtype=np.uint32)
            begins = np.ones(rows, np.bool_)
            begins[1:] = numbers[1:] != numbers[:-1]
            positions = count - np.maximum.accumulate(np.where(begins, count, 0))
            columns = {"Position": pa.array(positions, pa.uint32()), **columns}
        arrays = [columns[name] if name in columns else _defaults(name, rows) for name in SCHEMA.names]
        return cls(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), _named=dict(named or {}))

    def __len__(self) -> int:
        return int(self.record.num_rows)

    def __getitem__(self, name: str) -> pa.Array:
        return self.record.column(name)

    @property
    def nbytes(self) -> int:
        return int(self.record.nbytes)

    def named(self, name: str) -> Named:
        """The attributes of a column by name, worked out once."""
        if name not in self._named:
            self._named[name] = Named.of(self[name])
        return self._named[name]

    def with_columns(self, columns: Mapping[str, pa.Array]) -> SpanBatch:
        """The same spans with these columns in the place of those of the same names."""
        unknown = columns.keys() - set(SCHEMA.names)
        if unknown:
            raise KeyError(f"no columns of a SpanBatch: {', '.join(sorted(unknown))}")
        arrays = [columns.get(name, self.record.column(i)) for i, name in enumerate(SCHEMA.names)]
        named = {name: found for name, found in self._named.items() if name not in columns}
        return replace(self, record=pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), _named=named)

    def with_note(self, note: Note) -> SpanBatch:
        return replace(self, notes=(*self.notes, note))

    def filter(self, mask: pa.BooleanArray) -> SpanBatch:
        return replace(self, record=self.record.filter(mask), _named={})

    def slice(self, offset: int, length: int | None = None) -> SpanBatch:
        """The spans from `offset` on, at most `length` of them, without a copy."""
        return replace(self, record=self.record.slice(offset, length), _named={})


def joined(batches: Sequence[SpanBatch]) -> SpanBatch:
    """Parts of one batch, at least one, as one again; each note of theirs once."""
    records = pa.Table.from_batches([batch.record for batch in batches]).combine_chunks()
    columns = [column.combine_chunks() for column in records.columns]
    notes = tuple(dict.fromkeys(note for batch in batches for note in batch.notes))
    record = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
    return replace(batches[0], record=record, notes=notes, _named={})


def split(batches: Sequence[SpanBatch], at: int) -> tuple[list[SpanBatch], list[SpanBatch]]:
    """The first `at` spans, and the others."""
    first, second = list[SpanBatch](), list[SpanBatch]()
    for batch in batches:
        size = min(at, len(batch))
        first += [batch.slice(0, size)] if size else []
        second += [batch.slice(size)] if size < len(batch) else []
        at -= size
    return first, second


def _defaults(name: str, rows: int) -> pa.Array:
    """The default of a derived column `rows` times: a slice of one array for all batches but the largest."""
    if rows > _SHARED_ROWS:
        return pa.repeat(DERIVED_DEFAULTS[name], rows)
    return _shared_defaults(name).slice(0, rows)


@cache
def _shared_defaults(name: str) -> pa.Array:
    return pa.repeat(DERIVED_DEFAULTS[name], _SHARED_ROWS)

"""`SpanBatch`: spans as one Arrow record batch of the declared schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from otel_sessions.pdata.schema import DERIVED_DEFAULTS, SCHEMA


@dataclass(frozen=True, slots=True)
class Note:
    """Something the sender of a request should know although its spans were taken.

    `requests` are numbers as in the column `Request`, each once.
    """

    requests: tuple[int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Spans in columns: `record` has exactly the schema `pdata.SCHEMA`, without nulls."""

    record: pa.RecordBatch
    notes: tuple[Note, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.record.schema.equals(SCHEMA):
            raise TypeError(f"not the schema of a SpanBatch: {self.record.schema}")

    @classmethod
    def from_wire(cls, columns: Mapping[str, pa.Array]) -> SpanBatch:
        """A batch of the transient and wire columns given, with every derived column at its default."""
        rows = len(columns["TraceId"])
        arrays = [columns[name] if name in columns else _defaults(name, rows) for name in SCHEMA.names]
        return cls(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA))

    def __len__(self) -> int:
        return int(self.record.num_rows)

    def __getitem__(self, name: str) -> pa.Array:
        return self.record.column(name)

    @property
    def nbytes(self) -> int:
        return int(self.record.nbytes)

    def with_columns(self, columns: Mapping[str, pa.Array]) -> SpanBatch:
        """The same spans with these columns in the place of those of the same names."""
        unknown = columns.keys() - set(SCHEMA.names)
        if unknown:
            raise KeyError(f"no columns of a SpanBatch: {', '.join(sorted(unknown))}")
        arrays = [columns.get(name, self.record.column(i)) for i, name in enumerate(SCHEMA.names)]
        return replace(self, record=pa.RecordBatch.from_arrays(arrays, schema=SCHEMA))

    def with_note(self, note: Note) -> SpanBatch:
        return replace(self, notes=(*self.notes, note))

    def filter(self, mask: pa.BooleanArray) -> SpanBatch:
        return replace(self, record=self.record.filter(mask))

    def slice(self, offset: int, length: int | None = None) -> SpanBatch:
        """The spans from `offset` on, at most `length` of them, without a copy."""
        return replace(self, record=self.record.slice(offset, length))


def _defaults(name: str, rows: int) -> pa.Array:
    # pa.repeat refuses to repeat a list 0 times.
    return pa.repeat(DERIVED_DEFAULTS[name], rows) if rows else pa.array([], SCHEMA.field(name).type)

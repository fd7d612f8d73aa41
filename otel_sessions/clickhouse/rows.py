# SPDX-License-Identifier: Apache-2.0
"""Spans as ClickHouse takes them: streams of Arrow, of the columns that `otel_traces` stores.

What follows from other columns is not stored: the times of the wire from `Timestamp` and `Duration`, the beginning of
an input or output from the attribute that it stands in. The table has these by expression, for whoever reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.clickhouse.inserts import Settings
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, KeySet, empty_text
from otel_sessions.pdata.schema import DERIVED, WIRE
from otel_sessions.semconv.content import INPUT_KEYS, OUTPUT_KEYS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE: Final = "otel_traces"
EVALUATED: Final = "_evaluated_spans"
_ALL: Final = 2**32 - 1
_EVALUATION: Final = "gen_ai.evaluation.result"
_TEXTS: Final = {"Input": KeySet(INPUT_KEYS), "Output": KeySet(OUTPUT_KEYS)}
"""The attributes in which an input or output may stand; one from anywhere else is stored as it is."""
_EXPRESSED: Final = frozenset({"StartTimeUnixNano", "EndTimeUnixNano", *_TEXTS})
_TIMES: Final = (("StartsBeyond", pa.uint64()), ("EndsBefore", pa.uint64()))
_OF_TEXTS: Final = [
    (f"{name}{part}", type_)
    for name in _TEXTS
    for part, type_ in (("Key", pa.string()), ("Chars", pa.uint32()), ("Text", pa.string()))
]
STORED: Final = pa.schema(
    [
        *(field for field in (*WIRE, *DERIVED) if field.name not in _EXPRESSED),
        *(pa.field(name, type_, nullable=False) for name, type_ in (*_TIMES, *_OF_TEXTS)),
    ]
)
"""The columns that are stored of a `SpanBatch`."""
_OF_EVALUATIONS: Final = pa.schema(
    [
        STORED.field(name)
        for name in (
            *("Project", "TraceId", "SpanId", "Environment", "ResponseId"),
            *("Events.Name", "Events.Attributes", "Events.Timestamp"),
        )
    ]
)


def arrow_stream(batches: Sequence[SpanBatch], compression: str | None = None) -> memoryview:
    """The batches as one Arrow stream with the columns of `STORED`; `compression` is `lz4`, `zstd` or None."""
    return _stream([_stored(batch) for batch in batches], STORED, compression)


def insert(client: Client, table: str, block: memoryview, settings: Settings) -> None:
    """Puts what `arrow_stream` made into a table with the columns of `otel_traces`."""
    _insert(client, table, STORED, block, settings)


def insert_evaluations(client: Client, batches: Sequence[SpanBatch], settings: Settings) -> None:
    """Stores the scores that spans have as events, which few do; doing it again changes nothing."""
    evaluated = []
    for batch in batches:
        names = batch["Events.Name"].flatten()
        if len(names) and pc.any(found := pc.equal(names, _EVALUATION)).as_py():
            kept = np.zeros(len(batch), np.bool_)
            kept[pc.list_parent_indices(batch["Events.Name"]).filter(found).to_numpy()] = True
            evaluated.append(batch.filter(pa.array(kept)).record)
    if evaluated:
        block = _stream(evaluated, _OF_EVALUATIONS, None)
        _insert(client, EVALUATED, _OF_EVALUATIONS, block, settings)


def _stored(batch: SpanBatch) -> pa.RecordBatch:
    """The batch in the columns of `STORED`."""
    start, end, duration = (batch[name].to_numpy() for name in ("StartTimeUnixNano", "EndTimeUnixNano", "Duration"))
    timestamp = batch["Timestamp"].view(pa.int64()).to_numpy().view(np.uint64)
    # modulo 2^64, as the expressions of the table count too
    columns = {"StartsBeyond": pa.array(start - timestamp), "EndsBefore": pa.array(start + duration - end)}
    longest = {name: pc.max(pc.utf8_length(batch[name])).as_py() or 0 for name in _TEXTS}
    named = batch.named("SpanAttributes") if any(longest.values()) else None
    for name, keys in _TEXTS.items():
        found = _text(batch[name], keys.entries(named) if named and longest[name] else None, longest[name])
        columns |= {f"{name}Key": found[0], f"{name}Chars": found[1], f"{name}Text": found[2]}
    arrays = [columns[name] if name in columns else batch[name] for name in STORED.names]
    return pa.RecordBatch.from_arrays(arrays, schema=STORED)


def _text(
    texts: pa.StringArray, entries: Entries | None, longest: int
) -> tuple[pa.StringArray, pa.UInt32Array, pa.StringArray]:
    """Of each text, which has `longest` characters at most: the first of the attributes that begin with it, how many
    characters it has of a longer one, else `_ALL`; and where no attribute does, the text."""
    chars = np.zeros(len(texts), np.uint32)
    if entries is None:
        return empty_text(len(texts)), pa.array(chars), texts
    code = np.full(len(texts), -1, np.int64)
    for place, key in reversed([*enumerate(entries.keys.keys)]):
        part = entries.of(key)
        values = entries.values.take(pa.array(entries.places[part]))
        cut = pc.utf8_slice_codeunits(values, 0, longest)
        equal = pc.equal(cut, texts.take(pa.array(entries.rows[part]))).to_numpy(zero_copy_only=False)
        is_cut = pc.less(pc.binary_length(cut), pc.binary_length(values)).to_numpy(zero_copy_only=False)
        rows = entries.rows[part][equal]
        code[rows], chars[rows] = place, np.where(is_cut[equal], longest, _ALL)
    return entries.keys.names(code), pa.array(chars), pc.if_else(pa.array(code >= 0), "", texts)


def _stream(records: Sequence[pa.RecordBatch], schema: pa.Schema, compression: str | None) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        for record in records:
            writer.write_batch(record.select(schema.names))
    return memoryview(sink.getvalue())


def _insert(client: Client, table: str, schema: pa.Schema, block: memoryview, settings: Settings) -> None:
    client.raw_insert(
        table,
        column_names=schema.names,
        insert_block=block,  # type: ignore[arg-type] # takes whatever is like bytes
        settings=settings,
        fmt="ArrowStream",
    )

"""Spans as ClickHouse takes them: streams of Arrow, of the columns that the tables store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.inserts import Settings
from otel_sessions.pdata import STORED, SpanBatch

TABLE: Final = "otel_traces"
EVALUATED: Final = "_evaluated_spans"
_EVALUATION: Final = "gen_ai.evaluation.result"
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
    """The columns of `otel_traces`, `compression` as Arrow names it."""
    return _stream(batches, STORED, compression)


def insert(client: Client, table: str, block: memoryview, settings: Settings) -> None:
    """Puts what `arrow_stream` made into a table with the columns of `otel_traces`."""
    _insert(client, table, STORED, block, settings)


def insert_evaluations(client: Client, batches: Sequence[SpanBatch], settings: Settings) -> None:
    """Stores the scores that spans have as events, which few do; doing it again changes nothing."""
    evaluated = [found for batch in batches if (found := _evaluated(batch)) is not None]
    if evaluated:
        _insert(client, EVALUATED, _OF_EVALUATIONS, _stream(evaluated, _OF_EVALUATIONS, None), settings)


def _evaluated(batch: SpanBatch) -> SpanBatch | None:
    """The spans with results of evaluations among their events; None without any."""
    names = batch["Events.Name"].flatten()
    if not len(names) or not pc.any(found := pc.equal(names, _EVALUATION)).as_py():
        return None
    kept = np.zeros(len(batch), np.bool_)
    kept[pc.list_parent_indices(batch["Events.Name"]).filter(found).to_numpy()] = True
    return batch.filter(pa.array(kept))


def _stream(batches: Sequence[SpanBatch], schema: pa.Schema, compression: str | None) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        for batch in batches:
            writer.write_batch(batch.record.select(schema.names))
    return memoryview(sink.getvalue())


def _insert(client: Client, table: str, schema: pa.Schema, block: memoryview, settings: Settings) -> None:
    client.raw_insert(
        table,
        column_names=schema.names,
        insert_block=block,  # type: ignore[arg-type] # takes whatever is like bytes
        settings=settings,
        fmt="ArrowStream",
    )

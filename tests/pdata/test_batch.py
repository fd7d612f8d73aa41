"""What a batch knows of its attributes by name, and when it has to look again."""

from __future__ import annotations

import pyarrow as pa

from otel_sessions.pdata import ATTRIBUTES, SpanBatch, decode, joined
from otel_sessions.pdata.attributes import Named
from otel_sessions.testing.otlp import request, span

SPANS = [span("first", attributes={"a": 1, "b": "x"}), span("second", attributes={"b": "y", "c": 2})]


def _batch() -> SpanBatch:
    return decode([request(*SPANS).SerializeToString()], ["p"]).batch


def _texts(named: Named) -> list[tuple[str, str, int]]:
    names, values = named.names.to_pylist(), named.values.to_pylist()
    codes = named.codes.tolist()
    return [(names[codes[at]], values[at], row) for at, row in zip(named.places, named.rows, strict=True)]


def test_attributes_by_name_stay_while_their_column_does() -> None:
    batch = _batch()
    named = batch.named("SpanAttributes")
    assert _texts(named) == [("a", "1", 0), ("b", "x", 0), ("b", "y", 1), ("c", "2", 1)]
    assert batch.with_columns({"Model": pa.array(["m", "n"])}).named("SpanAttributes") is named


def test_attributes_by_name_are_found_anew_where_attributes_or_spans_changed() -> None:
    batch = _batch()
    batch.named("SpanAttributes")
    other = pa.array([[("d", "4")], []], ATTRIBUTES)
    assert _texts(batch.with_columns({"SpanAttributes": other}).named("SpanAttributes")) == [("d", "4", 0)]
    second = [("b", "y", 0), ("c", "2", 0)]
    assert sorted(_texts(batch.filter(pa.array([False, True])).named("SpanAttributes"))) == second
    assert sorted(_texts(batch.slice(1).named("SpanAttributes"))) == second
    both = joined([batch.slice(1), batch.slice(0, 1)])
    assert sorted(_texts(both.named("SpanAttributes"))) == [("a", "1", 1), ("b", "x", 1), ("b", "y", 0), ("c", "2", 0)]

"""How many parts are merged at a time, by the largest span."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.rows import TABLE
from otel_sessions.exporters.clickhouse.merges import HELD, MERGE_BYTES, PARTS, Merges, largest_row, parts_for
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.sessions import migrations
from otel_sessions.testing import otlp

DATABASE = "merged"


@pytest.fixture
def client(chdb_endpoint: Endpoint) -> Iterator[Client]:
    """Of a database of its own."""
    found = connect(chdb_endpoint)
    migrations.apply(found, DATABASE)
    yield found
    found.command(f"DROP DATABASE {DATABASE}")
    found.close()


def batch_of(*texts: int) -> SpanBatch:
    """A span for each of these lengths."""
    spans = (otlp.span("s", attributes={"k": "x" * length}) for length in texts)
    return decode([otlp.request(*spans).SerializeToString()], ["default"]).batch


def told(client: Client) -> list[str]:
    return [
        client.query(f"SELECT extract(engine_full, '{end}_parts_to_merge_at_once = (\\\\d+)') FROM system.tables WHERE"
                     f" database = '{DATABASE}' AND name = '{TABLE}'").result_rows[0][0]
        for end in ("min", "max")
    ]  # fmt: skip


def test_the_largest_row_is_told_of_any_slice_and_counts_all_texts_a_client_can_make_long() -> None:
    batch = batch_of(10, 5000, 20)
    assert [largest_row(each) for each in (batch, batch.slice(2), batch.slice(0, 0))] == [5002, 22, 0]
    name, value = "n" * 100, "v" * 1000
    event = otlp.event(name, attributes={"b": value})
    span = otlp.span(name, attributes={"a": value}, events=[event], status="Error", message=value)
    assert largest_row(decode([otlp.request(span).SerializeToString()], ["p"]).batch) == 2 * 100 + 3 * 1000 + 2


def test_no_merge_holds_more_than_its_bound_but_for_two_parts() -> None:
    for row in (0, 500, 2**20, 3 * 2**20, 2**24, 2**26, 2**30):
        parts = parts_for(row)
        assert 2 <= parts <= PARTS
        assert parts == 2 or parts * row * HELD <= MERGE_BYTES


def test_fewer_parts_are_merged_after_a_large_span_also_by_the_next_process(client: Client) -> None:
    merges = Merges()
    merges.bound(client, [batch_of(500)])
    assert told(client) == [str(PARTS)] * 2
    merges.bound(client, [batch_of(10), batch_of(500, 12 * 2**20)])
    fewer = str(parts_for(12 * 2**20 + 1))
    assert told(client) == [fewer] * 2
    for again in (merges, Merges()):
        again.bound(client, [batch_of(500)])
        assert told(client) == [fewer] * 2

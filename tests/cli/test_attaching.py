"""What a Collector has stored in ClickHouse: the same sessions as if the service had received the spans itself."""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.cli.attaching.reading import _COLUMNS, Covered, Part, Reading
from otel_sessions.cli.attaching.spans import requests
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.sql import statement
from otel_sessions.pdata import DERIVED, WIRE, SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing import otlp
from tests.cli.conftest import Run, Served, launched, listed
from tests.clickhouse.test_schema import COLLECTOR
from tests.integration.crowds import crowd
from tests.integration.delivery import body, new_project
from tests.integration.forking import Forked
from tests.integration.running import wait_until

# What the table of the Collector's exporter has no column for.
FORGOTTEN = {
    *("Project", "Flags", "ResourceSchemaUrl", "ResourceDroppedAttributesCount", "ScopeAttributes", "ScopeSchemaUrl"),
    *("ScopeDroppedAttributesCount", "DroppedAttributesCount", "Events.DroppedAttributesCount", "DroppedEventsCount"),
    *("Links.DroppedAttributesCount", "Links.Flags", "DroppedLinksCount"),
}
_databases = itertools.count()


def test_it_asks_for_the_columns_of_the_collectors_exporter_and_no_others() -> None:
    assert set(COLLECTOR) == _COLUMNS


def processed(bodies: list[bytes]) -> SpanBatch:
    return SessionProcessor(SessionConfig()).process(decode(bodies, ["default"] * len(bodies)).batch)


class Collector:
    """A database of somebody else, with the table that the Collector's exporter makes."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.database = f"collector_{next(_databases)}"
        self.client.command(f"CREATE DATABASE {self.database}")
        columns = ", ".join(f"`{name}` {type_}" for name, type_ in COLLECTOR.items())
        self.client.command(
            f"CREATE TABLE {self.table} ({columns}) ENGINE = MergeTree PARTITION BY toDate(Timestamp) "
            "ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))"
        )

    @property
    def table(self) -> str:
        return f"{self.database}.otel_traces"

    def store(self, *bodies: bytes) -> int:
        """One insert of the spans of these requests, as the exporter does it."""
        batch = decode(list(bodies), ["default"] * len(bodies)).batch
        # The exporter keeps a negative duration as the bits that it has.
        duration = pc.subtract(batch["EndTimeUnixNano"], batch["StartTimeUnixNano"])
        record = batch.with_columns({"Duration": duration}).record.select(list(COLLECTOR))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, record.schema) as writer:
            writer.write_batch(record)
        self.client.raw_insert(self.table, list(COLLECTOR), sink.getvalue().to_pybytes(), fmt="ArrowStream")
        return record.num_rows

    def rows(self) -> list[dict[str, object]]:
        found = []
        parts = self.client.query(
            "SELECT name, rows FROM system.parts WHERE active AND database = {d:String}", {"d": self.database}
        )
        sql = statement("otel_sessions.cli.attaching", "rows")
        for part, rows in parts.result_rows:
            bound = {"database": self.database, "table": "otel_traces", "part": part, "begin": 0, "end": rows}
            found += list(self.client.query(sql, bound).named_results())
        return found


@pytest.fixture
def collector(served: Served) -> Iterator[Collector]:
    endpoint = Endpoint.parse(f"http://{served.endpoints['clickhouse_http']}")
    client = connect(endpoint)
    made = Collector(client)
    yield made
    client.command(f"DROP DATABASE {made.database}")
    client.close()


@pytest.mark.parametrize("seed", range(3))
def test_every_column_is_as_if_the_spans_had_come_here(collector: Collector, seed: int) -> None:
    """Views are made of these columns, so every figure is."""
    bodies = [body(crowd(random.Random(seed), new_project(), 8))]
    odd = otlp.span(
        "odd",
        kind="client",
        start=otlp.START + 7,
        end=otlp.START,
        status="Error",
        message="no",
        attributes={"session.id": 42, "langfuse.trace.tags": ["a", "b"], "ok": True, "half": 0.5},
        links=[otlp.link(otlp.new_trace_id(), otlp.new_span_id(), attributes={"why": "asked"}, trace_state="a=b")],
        events=[otlp.event("exception", time=otlp.START + 3, attributes={"exception.message": "broke"})],
    )
    bodies.append(otlp.request(odd).SerializeToString())
    collector.store(*bodies)
    attached = processed([each for each, _ in requests(collector.rows())]).record.to_pylist()
    received = processed(bodies).record.to_pylist()

    def comparable(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        names = [field.name for field in (*WIRE, *DERIVED) if field.name not in FORGOTTEN]
        kept = [{name: row[name] for name in names} for row in rows]
        return sorted(kept, key=lambda row: json.dumps(row, default=str, sort_keys=True))

    assert comparable(attached) == comparable(received)


def test_past_and_new_rows_are_read_once(run: Run, served: Served, collector: Collector) -> None:
    at = served.endpoints["clickhouse_http"]
    command = ("attach", collector.table, "--source", f"http://{at}", "--once", "--json", "--config", served.config)

    def attached() -> int:
        result = run(*command)
        assert result.exit_code == 0, result.output
        return int(json.loads(result.stdout)["spans"])

    def spans_of(session: str) -> int:
        return int(listed(run, served.config).get(session, {"span_count": 0})["span_count"])

    name = collector.database
    roots = [otlp.span("turn", attributes={"session.id": name}) for _ in range(3)]
    children = [otlp.span("call", parent=root) for root in roots]
    before = collector.client.command(f"SHOW CREATE TABLE {collector.table}")
    collector.store(otlp.request(*children).SerializeToString())
    assert attached() == 3
    assert attached() == 0
    # A root comes last; a row with the time of an old day is a new one all the same.
    late = otlp.span("late", start=otlp.START - 86_400 * 10**9, attributes={"session.id": name})
    collector.store(otlp.request(*roots).SerializeToString())
    collector.store(otlp.request(late).SerializeToString())
    assert attached() == 4
    wait_until(lambda: spans_of(name) == 7)
    # Old and new rows become one part: it is read once more, which changes nothing.
    collector.store(otlp.request(otlp.span("more", attributes={"session.id": name})).SerializeToString())
    collector.client.command(f"OPTIMIZE TABLE {collector.table} FINAL")
    assert attached() == 7
    assert attached() == 0
    wait_until(lambda: spans_of(name) == 8)
    assert collector.client.command(f"SHOW CREATE TABLE {collector.table}") == before


def test_what_it_cannot_read_is_said(run: Run, served: Served, collector: Collector, tmp_path: Path) -> None:
    at = f"http://{served.endpoints['clickhouse_http']}"
    collector.client.command(f"CREATE TABLE {collector.database}.other (A UInt8) ENGINE = MergeTree ORDER BY A")
    for table, said in (
        (f"{collector.database}.none", "there is no table"),
        (f"{collector.database}.other", "is no table of the Collector's exporter: it has no"),
        ("otel.otel_traces", "is a table of otel-sessions"),
    ):
        result = run("attach", table, "--source", at, "--config", served.config)
        assert (result.exit_code, said in result.stderr) == (1, True), result.output
    assert "--source" in run("attach", "--config", served.config).stderr


def test_blocks_that_were_read_are_known_in_whatever_part_they_are() -> None:
    covered = Covered()
    part = Part("p_1_3_1", "p", 1, 3, 10)
    assert not covered.has(part)
    assert covered.add("p", 1, 1) == (1, 1)
    assert covered.add("p", 3, 3) == (3, 3)
    assert not covered.has(part)  # what is in block 2 was not read
    assert covered.add("p", 2, 2) == (1, 3)
    assert covered.has(part)
    assert not covered.has(Part("q_1_3_1", "q", 1, 3, 10))


def test_a_service_in_front_of_a_server_is_found_by_its_configuration(
    run: Run, served: Served, collector: Collector, tmp_path: Path
) -> None:
    """Nobody owns embedded data there, so there is no lock file that says where it listens."""
    at = f"http://{served.endpoints['clickhouse_http']}"
    file = tmp_path / "config.yaml"
    file.write_text(
        f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '{served.endpoints['otlp/http']}'}}}}}}}}\n"
        f"exporters: {{clickhouse: {{endpoint: '{at}/otel'}}}}\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [clickhouse]}}}\n"
    )
    collector.store(otlp.request(otlp.span("turn")).SerializeToString())
    result = run("attach", collector.table, "--once", "--config", file)
    assert (result.exit_code, result.stdout) == (0, f"spans sent of {collector.table}: 1\n"), result.output


def followed(served: Served, collector: Collector) -> AbstractContextManager[subprocess.Popen[str] | Forked]:
    """The command as an operator leaves it running."""
    at = f"http://{served.endpoints['clickhouse_http']}"
    command = ("attach", collector.table, "--source", at, "--interval", "0.2", "--json")
    return launched(*command, "--config", str(served.config))


def stored(collector: Collector) -> int:
    """Spans in the session that is called as the database of the test, repetitions left out."""
    rows = collector.client.query(
        "SELECT sum(SpanCount) FROM otel.sessions WHERE SessionId = {id:String}", {"id": collector.database}
    ).result_rows
    return int(rows[0][0])


def has_noted_all(collector: Collector) -> bool:
    """Whether it is on record that all was read, which is when it has been counted too."""
    rows = collector.client.query(
        "SELECT max(MaxBlock) = (SELECT max(max_block_number) FROM system.parts WHERE database = {d:String}) "
        "FROM otel._attached_parts WHERE Source = "
        "(SELECT toString(uuid) FROM system.tables WHERE database = {d:String} AND name = 'otel_traces')",
        {"d": collector.database},
    ).result_rows
    return bool(rows[0][0])


def turns(collector: Collector, count: int) -> bytes:
    attributes = {"session.id": collector.database}
    return otlp.request(*(otlp.span(f"turn {n}", attributes=attributes) for n in range(count))).SerializeToString()


class Interrupted:
    """Takes one request; the next is interrupted."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def send(self, body: bytes) -> None:
        if self.bodies:
            raise KeyboardInterrupt
        self.bodies.append(body)


def test_what_was_sent_before_an_interruption_is_counted(served: Served, collector: Collector) -> None:
    collector.client.command(f"SYSTEM STOP MERGES {collector.table}")
    for _ in range(2):
        collector.store(turns(collector, 3))
    ours = connect(Endpoint.parse(f"http://{served.endpoints['clickhouse_http']}"), database="otel")
    reading = Reading(collector.client, ours, collector.database, "otel_traces")
    with pytest.raises(KeyboardInterrupt):
        list(reading.rounds(Interrupted()))
    ours.close()
    assert reading.sent == 3


def test_left_running_it_follows_what_is_stored_until_it_is_interrupted(served: Served, collector: Collector) -> None:
    collector.store(turns(collector, 2))
    with followed(served, collector) as process:
        wait_until(lambda: stored(collector), wanted=lambda found: found == 2)
        for total in (5, 8):
            collector.store(turns(collector, 3))
            wait_until(lambda: stored(collector), wanted=lambda found, total=total: found == total)
        wait_until(lambda: has_noted_all(collector))
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        told = process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert json.loads(told) == {"spans": 8}


def test_killed_in_the_middle_of_filling_it_goes_on_where_it_was_and_nothing_counts_twice(
    served: Served, collector: Collector
) -> None:
    parts, each = 12, 40
    collector.client.command(f"SYSTEM STOP MERGES {collector.table}")
    for _ in range(parts):
        collector.store(turns(collector, each))
    with followed(served, collector) as process:
        wait_until(lambda: stored(collector))
        process.kill()
        process.wait()
    with followed(served, collector):
        wait_until(lambda: stored(collector), wanted=lambda found: found == parts * each)
        again = "SELECT count() FROM otel.otel_traces WHERE SpanAttributes['session.id'] = {id:String}"
        rows = int(collector.client.query(again, {"id": collector.database}).result_rows[0][0])
    assert parts * each <= rows <= parts * each * 2, "it did not go on where it was"
    assert stored(collector) == parts * each

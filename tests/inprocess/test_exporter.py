"""`ClickHouseSpanExporter`: the pipeline inside an application. In processes of their own: chDB takes one directory."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sessions import ClickHouseSpanExporter
from otel_sessions.errors import ConfigError
from tests.integration.running import Directory, config

APPLICATION = """
from otel_sessions import configure, get_client, observe, session
import sys

@observe
def answer(question):
    return question + "!"

configure("app")
with session("in process", user_id="ada"):
    answer("a"), answer("b")
get_client().shutdown()

from otel_sessions.clickhouse.client import Endpoint, connect
with connect(Endpoint.parse(sys.argv[1])) as client:
    print(client.query("SELECT SessionId, TraceCount, UserIds, ServiceNames FROM otel.sessions").result_rows)
"""
ENDING = """
from otel_sessions import ClickHouseSpanExporter, configure, get_client
configure("app", exporter={exporter})
get_client().start_span(name="exported").end()
get_client().flush()
get_client().start_span(name="waiting").end()
"""
COUNTING = """
from otel_sessions.clickhouse.client import Endpoint, connect
with connect(Endpoint.parse({endpoint!r})) as client:
    print(client.query("SELECT count() FROM otel.otel_traces").first_row[0])
"""


def test_the_environment_is_enough_to_store_sessions_in_process(tmp_path: Path) -> None:
    endpoint = f"chdb://{tmp_path}/data"
    environment = {"OTEL_TRACES_EXPORTER": "otel_sessions_clickhouse", "OTEL_SESSIONS_CLICKHOUSE_ENDPOINT": endpoint}
    ended = subprocess.run(
        [sys.executable, "-c", APPLICATION, endpoint],
        env={**os.environ, **environment},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.stdout == "[('in process', 2, ['ada'], ['app'])]\n", ended.stderr


@pytest.mark.parametrize("exporter", ["None", "ClickHouseSpanExporter()"])
def test_spans_that_wait_at_the_end_are_stored_without_a_warning(exporter: str, tmp_path: Path) -> None:
    """chDB's client is closed at exit, too: after the last export, not before."""
    environment = {
        "OTEL_TRACES_EXPORTER": "otel_sessions_clickhouse",
        "OTEL_SESSIONS_CLICKHOUSE_ENDPOINT": f"chdb://{tmp_path}/data",
    }
    first, last = (
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=100,
        )
        for program in (ENDING.format(exporter=exporter), COUNTING.format(endpoint=f"chdb://{tmp_path}/data"))
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert last.stdout == "2\n", last.stderr


def test_the_entry_point_is_the_exporter() -> None:
    (entry,) = entry_points(group="opentelemetry_traces_exporter", name="otel_sessions_clickhouse")
    assert entry.load() is ClickHouseSpanExporter


def test_it_stores_in_a_server(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    try:
        server = directory.start(config(directory.data(), read_only=False))
        exporter = ClickHouseSpanExporter(f"http://{server.endpoints['clickhouse_http']}/otel")
        assert exporter.export([ended_span()]) is SpanExportResult.SUCCESS
        exporter.shutdown()
        assert exporter.export([ended_span()]) is SpanExportResult.FAILURE
        assert server.sql("SELECT SessionId, SpanCount FROM sessions") == [["s", 1]]
    finally:
        directory.close()


def test_a_server_that_is_away_fails_the_export_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    exporter = ClickHouseSpanExporter(
        "http://127.0.0.1:9", retry_on_failure={"initial_interval": "10ms", "max_elapsed_time": "50ms"}
    )
    assert exporter.export([ended_span()]) is SpanExportResult.FAILURE
    exporter.shutdown()
    exporter.shutdown()


def test_settings_that_are_wrong_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        ClickHouseSpanExporter("chdb://./data", nonsense=1)


@pytest.mark.parametrize(
    ("endpoint", "missing", "extra"), [("chdb://x", "chdb", "embedded"), ("http://x", "clickhouse_connect", "server")]
)
def test_what_is_not_installed_is_named_and_costs_only_the_export(
    endpoint: str, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert importlib.util.find_spec(missing)
    monkeypatch.setitem(sys.modules, missing, None)
    exporter = ClickHouseSpanExporter(endpoint)
    assert f"pip install '.[{extra}]'" in caplog.text
    assert exporter.export([ended_span()]) is SpanExportResult.FAILURE
    exporter.shutdown()


FORKING = """
import multiprocessing, sys
from otel_sessions import ClickHouseSpanExporter, configure, get_client, observe, session
observed = observe(lambda: 7)
def child():
    with session("child"):
        observed()
if __name__ == "__main__":
    configure("app", exporter=ClickHouseSpanExporter(sys.argv[1]))
    with session("parent"):
        observed()
    get_client().flush()
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(20)
    print(process.exitcode)
    with session("parent"):
        observed()
    get_client().shutdown()
"""


def test_a_forked_child_leaves_embedded_data_to_its_parent(tmp_path: Path) -> None:
    ended = run(FORKING, f"chdb://{tmp_path}/data")
    assert ended.stdout == "0\n", ended.stderr
    assert "belong to the parent" in ended.stderr
    assert run(COUNTING.format(endpoint=f"chdb://{tmp_path}/data")).stdout == "2\n"


def test_a_forked_child_stores_in_a_server_what_it_records(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    try:
        server = directory.start(config(directory.data(), read_only=False))
        ended = run(FORKING, f"http://{server.endpoints['clickhouse_http']}/otel")
        assert ended.stdout == "0\n", ended.stderr
        found = server.sql("SELECT SessionId, SpanCount FROM sessions ORDER BY SessionId")
        assert found == [["child", 1], ["parent", 2]]
    finally:
        directory.close()


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def ended_span() -> ReadableSpan:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("x")
    span = tracer.start_span("work", attributes={"session.id": "s"})
    span.end()
    assert isinstance(span, ReadableSpan)
    return span

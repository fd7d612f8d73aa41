"""The service's own metrics."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from otel_sessions.component import Request
from otel_sessions.exporterhelper.config import SendingQueue
from otel_sessions.exporterhelper.wal import Log
from otel_sessions.telemetry import Metrics, configure_logging


def exposed(metrics: Metrics) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_counters_have_no_twins_that_say_when_they_were_made() -> None:
    metrics = Metrics()
    metrics.sent_spans.labels("clickhouse").inc(3)
    found = exposed(metrics)
    assert found["otelcol_exporter_sent_spans_total"] == 3
    assert not [name for name in found if name.endswith("_created")]


def test_the_process_is_told_under_the_names_of_the_Collector() -> None:
    metrics = Metrics()
    first = exposed(metrics)
    sum(range(10**6))
    second = exposed(metrics)
    assert 0 <= first["otelcol_process_uptime_seconds_total"] < second["otelcol_process_uptime_seconds_total"] < 60
    assert first["otelcol_process_cpu_seconds_total"] < second["otelcol_process_cpu_seconds_total"]
    assert 2**24 < first["otelcol_process_memory_rss_bytes"] < 2**34


def test_a_log_is_told_as_it_is_when_asked(tmp_path: Path) -> None:
    metrics, log = Metrics(), Log(tmp_path, SendingQueue())
    log.open()
    metrics.watch_log(log, "clickhouse", "traces")
    empty = exposed(metrics)
    assert (empty["otel_sessions_log_bytes"], empty["otel_sessions_oldest_unstored_seconds"]) == (0, 0)
    assert empty["otel_sessions_log_free_bytes"] > 2**20
    segment = log.append([Request(b"x" * 1000)], 1)
    log.seal()
    time.sleep(0.05)
    waiting = exposed(metrics)
    assert waiting["otel_sessions_log_bytes"] == segment.nbytes
    assert 0.04 < waiting["otel_sessions_oldest_unstored_seconds"] < 60
    log.keep(segment)
    kept = exposed(metrics)
    assert (kept["otel_sessions_log_bytes"], kept["otel_sessions_oldest_unstored_seconds"]) == (segment.nbytes, 0)
    log.close()
    metrics.forget_log("clickhouse", "traces")
    assert "otel_sessions_log_bytes" not in exposed(metrics)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Leaves the logging of the process as it was."""
    names = [None, "otel_sessions", "urllib3.connectionpool", "clickhouse_connect.driver"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.level, list(each.handlers)) for each in loggers]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.mark.usefixtures("quiet")
def test_logs_in_json_are_an_object_a_line_tracebacks_included() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream, encoding="json")
    logging.getLogger("otel_sessions.exporter").error("it failed", exc_info=ValueError("of\ntwo lines"))
    logging.getLogger("otel_sessions").info("started")
    failed, started = map(json.loads, stream.getvalue().splitlines())
    assert (failed["level"], failed["logger"], failed["msg"]) == ("error", "otel_sessions.exporter", "it failed")
    assert "ValueError: of\ntwo lines" in failed["stacktrace"]
    assert datetime.fromisoformat(started["ts"]).tzinfo is not None
    assert started.keys() == {"level", "ts", "logger", "msg"}


@pytest.mark.usefixtures("quiet")
def test_what_connections_warn_of_is_told_once_by_us() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logging.getLogger("urllib3.connectionpool").warning("Retrying")
    logging.getLogger("clickhouse_connect.driver._backend.http_sync").warning("Unexpected Http Driver Exception")
    logging.getLogger("another.library").warning("something else")
    logging.getLogger("otel_sessions.exporter").warning("clickhouse is away")
    lines = stream.getvalue().splitlines()
    assert [line.split(" ", 3)[3] for line in lines] == ["something else", "clickhouse is away"]

"""Start and stop order, with components that only write down what happens to them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Consumer, Factory, Host, Kind, Outcome, Request, Settings
from otel_sessions.config import Config, load
from otel_sessions.errors import ConfigError, Fault, Permanent, Retryable
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.lock import DataInUse, DataLock, holder
from otel_sessions.pdata import SpanBatch
from otel_sessions.service import Service
from otel_sessions.testing.otlp import request, span

BODY = request(span("one"), span("two")).SerializeToString()


class Parts:
    """A registry of one fake a kind, all of whose events are in `events`, as in `start exporters/fake`."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.consumers: dict[str, Consumer] = {}
        self.failing: dict[str, BaseException] = {}
        self.host: Host | None = None

    def types(self, kind: Kind) -> Sequence[str]:
        return sorted(SETTINGS)

    def factory(self, kind: Kind, type_: str, path: str) -> Factory[Any]:
        def create(id_: ComponentId, config: Settings, host: Host, consumer: Consumer | None = None) -> Fake:
            self.host = host
            name = f"{kind}/{id_}"
            if consumer is not None:
                self.consumers[str(id_)] = consumer
            self.tell(f"create {name}")
            return Fake(name, self)

        return Factory(type_, SETTINGS[type_], create)

    def tell(self, event: str) -> None:
        self.events.append(event)
        if event in self.failing:
            raise self.failing[event]

    def of(self, verb: str) -> list[str]:
        """The components of which this is told, in order."""
        return [event.removeprefix(f"{verb} ") for event in self.events if event.startswith(f"{verb} ")]


class ClickHouseSettings(Settings):
    endpoint: str

    def connection(self) -> Endpoint:
        return Endpoint.parse(self.endpoint)


SETTINGS: dict[str, type[Settings]] = {"clickhouse": ClickHouseSettings, "fake": Settings, "queued": SendingSettings}


class Fake:
    """Any component."""

    def __init__(self, name: str, parts: Parts) -> None:
        self._name = name
        self._parts = parts

    @property
    def endpoints(self) -> Mapping[str, str]:
        return {self._name: "127.0.0.1:1"}

    def start(self) -> None:
        self._parts.tell(f"start {self._name}")

    def shutdown(self, timeout: float) -> None:
        assert timeout >= 0
        self._parts.tell(f"stop {self._name}")

    def process(self, batch: SpanBatch) -> SpanBatch:
        self._parts.tell(f"process {self._name}")
        return batch

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        self._parts.tell(f"export {self._name}")


CONFIG = """
receivers: {fake: , fake/two: }
processors: {fake: }
exporters: {fake: , fake/unused: }
extensions: {fake: , fake/second: }
service:
  extensions: [fake, fake/second]
  pipelines:
    traces: {receivers: [fake], processors: [fake], exporters: [fake]}
    traces/two: {receivers: [fake, fake/two], exporters: [fake]}
  telemetry: {metrics: {level: none}}
"""
STARTED = [
    "exporters/fake",
    "processors/fake",
    "extensions/fake",
    "extensions/fake/second",
    "receivers/fake",
    "receivers/fake/two",
]

Build = Callable[..., Service]


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def configured(tmp_path: Path, parts: Parts) -> Callable[..., Config]:
    def configured(text: str = CONFIG, *sets: str) -> Config:
        file = tmp_path / "config.yaml"
        file.write_text(text)
        return load([file], sets, registry=parts)

    return configured


@pytest.fixture
def build(configured: Callable[..., Config], parts: Parts) -> Build:
    return lambda text=CONFIG, *sets: Service(configured(text, *sets), parts)


def outcome(consumer: Consumer) -> Outcome:
    """Of two new spans: a request that is repeated is not stored again."""
    return consumer.consume(Request(request(span("one"), span("two")).SerializeToString())).result(60)


def test_what_stores_starts_first_and_what_listens_last(build: Build, parts: Parts) -> None:
    service = build()
    service.start()
    assert parts.of("start") == STARTED
    assert set(service.endpoints) == {name for name in STARTED if not name.startswith(("exporters", "processors"))}
    service.shutdown()


def test_what_is_asked_stops_before_what_answers(build: Build, parts: Parts) -> None:
    service = build()
    service.start()
    service.shutdown()
    assert parts.of("stop") == [
        "receivers/fake",
        "receivers/fake/two",
        "processors/fake",
        "exporters/fake",
        "extensions/fake/second",
        "extensions/fake",
    ]
    service.shutdown()
    assert len(parts.of("stop")) == len(STARTED)


def test_a_component_that_no_pipeline_names_is_never_made(build: Build, parts: Parts) -> None:
    service = build()
    service.start()
    service.shutdown()
    assert "exporters/fake/unused" not in parts.of("create")


def test_spans_go_through_every_pipeline_of_their_receiver(build: Build, parts: Parts) -> None:
    service = build()
    service.start()
    assert outcome(parts.consumers["fake/two"]) == Outcome(accepted_spans=2)
    assert (parts.of("process"), parts.of("export")) == ([], ["exporters/fake"])
    assert outcome(parts.consumers["fake"]) == Outcome(accepted_spans=2)
    assert (parts.of("process"), parts.of("export")) == (["processors/fake"], ["exporters/fake"] * 3)
    service.shutdown()


def test_after_the_stop_senders_are_told_to_come_back(build: Build, parts: Parts) -> None:
    service = build()
    service.start()
    consumer = parts.consumers["fake/two"]
    service.shutdown()
    with pytest.raises(Retryable):
        outcome(consumer)


def test_what_is_under_way_is_stored_before_the_exporter_stops(
    build: Build, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, exporting = threading.Event(), threading.Event()
    tell = parts.tell

    def slow(event: str) -> None:
        if event.startswith("export "):
            exporting.set()
            free.wait(30)
        tell(event)

    monkeypatch.setattr(parts, "tell", slow)
    service = build()
    service.start()
    future: Future[Outcome] = parts.consumers["fake/two"].consume(Request(BODY))
    assert exporting.wait(30)
    stopping = threading.Thread(target=service.shutdown)
    stopping.start()
    free.set()
    stopping.join(30)
    assert future.result(0) == Outcome(accepted_spans=2)
    assert parts.events.index("export exporters/fake") < parts.events.index("stop exporters/fake")


def test_a_stop_that_has_no_more_time_ends_all_the_same(
    build: Build, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    tell = parts.tell

    def stuck(event: str) -> None:
        if event.startswith("export "):
            free.wait(60)
        tell(event)

    monkeypatch.setattr(parts, "tell", stuck)
    service = build(CONFIG, "service.shutdown_timeout=200ms")
    service.start()
    future = parts.consumers["fake/two"].consume(Request(BODY))
    began = time.monotonic()
    service.shutdown()
    assert time.monotonic() - began < 50
    assert isinstance(future.exception(0), Retryable)
    assert parts.of("stop")[-1] == "extensions/fake"
    free.set()
    for thread in threading.enumerate():  # the next test looks for threads that it has left itself
        if thread.name.startswith("traces"):
            thread.join(30)


@pytest.mark.parametrize("failing", [f"start {name}" for name in STARTED] + ["create receivers/fake/two"])
@pytest.mark.parametrize(
    "error", [Permanent("no"), ConfigError([Fault("x", "no")]), OSError("no"), KeyboardInterrupt()]
)
def test_a_failed_start_stops_what_it_had_started(
    build: Build, parts: Parts, failing: str, error: BaseException
) -> None:
    parts.failing[failing] = error
    service = build()
    with pytest.raises(type(error)):
        service.start()
    verb, name = failing.split(" ")
    started = STARTED[: STARTED.index(name)]
    assert set(started) <= set(parts.of("stop")) <= {*started, *([name] if verb == "start" else [])}
    assert service.endpoints == {} or set(service.endpoints) <= set(started)
    for thread in threading.enumerate():
        assert not thread.name.startswith("traces"), "a pipeline still runs"


def test_requests_are_refused_until_all_has_started_and_from_the_moment_of_a_stop(build: Build, parts: Parts) -> None:
    refusing: dict[str, set[str]] = {}
    tell = parts.tell

    def look(event: str) -> None:
        if parts.host is not None:
            refusing[event] = set(parts.host.refusing)
        tell(event)

    parts.tell = look  # type: ignore[method-assign]
    service = build()
    service.start()
    assert refusing["start receivers/fake/two"] == {"service"}
    assert parts.host is not None
    assert parts.host.refusing == set()
    service.shutdown()
    assert refusing["stop receivers/fake"] == {"service"}


def test_one_component_that_does_not_stop_well_keeps_no_other_from_it(
    build: Build, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    service = build()
    service.start()
    parts.failing = {f"stop {name}": RuntimeError("stuck") for name in STARTED}
    service.shutdown()
    assert set(parts.of("stop")) == set(STARTED)
    assert caplog.text.count("did not stop well") == len(STARTED)


EMBEDDED = CONFIG.replace("exporters: {fake: ,", "exporters: {clickhouse: {endpoint: 'chdb://DATA'},").replace(
    "exporters: [fake]", "exporters: [clickhouse]"
)


def test_embedded_data_are_owned_from_before_the_start_until_after_the_stop(
    build: Build, parts: Parts, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    service = build(EMBEDDED.replace("DATA", str(data)))
    assert holder(data) == {}
    service.start()
    assert parts.host is not None
    assert str(parts.host.clickhouse) == f"chdb://{data}"
    secret = {"owner_secret": parts.host.owner_secret}
    assert holder(data) == {"pid": str(os.getpid()), **service.endpoints, **secret}
    service.shutdown()
    assert holder(data) == {}


def test_data_that_somebody_has_are_refused_before_anything_is_made(build: Build, parts: Parts, tmp_path: Path) -> None:
    data = tmp_path / "data"
    lock = DataLock(data)
    with pytest.raises(Permanent, match=str(data)):
        build(EMBEDDED.replace("DATA", str(data))).start()
    assert parts.events == []
    lock.release()


def test_a_failed_start_leaves_the_data_free(build: Build, parts: Parts, tmp_path: Path) -> None:
    parts.failing["start receivers/fake"] = Permanent("no")
    with pytest.raises(Permanent):
        build(EMBEDDED.replace("DATA", str(tmp_path / "data"))).start()
    DataLock(tmp_path / "data").release()


def test_a_log_that_no_pipeline_uses_any_more_is_told_of(
    build: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base = tmp_path / "wal"
    for pipeline in ("traces", "old%2Fname"):
        (base / "queued" / pipeline).mkdir(parents=True)
        (base / "queued" / pipeline / "0000000000000001-a.wal").write_bytes(b"")
    text = CONFIG.replace("fake/unused: ", f'queued: {{sending_queue: {{directory: "{base}"}}}}')
    service = build(text.replace("exporters: [fake]", "exporters: [queued]", 1))
    service.start()
    service.shutdown()
    told = [record.getMessage() for record in caplog.records if "not configured any more" in record.getMessage()]
    assert len(told) == 1
    assert str(base / "queued" / "old%2Fname") in told[0]


def test_a_second_service_is_told_of_the_data_and_not_of_their_owners_ports(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sets = [
            f"exporters.clickhouse.endpoint=chdb://{tmp_path}/data",
            f"service.telemetry.metrics.endpoint=127.0.0.1:{port}",
        ]
        lock = DataLock(tmp_path / "data")
        try:
            with pytest.raises(DataInUse, match=f"{tmp_path}/data is in use by process"):
                Service(load((), sets)).start()
        finally:
            lock.release()
        with pytest.raises(ConfigError, match=f"metrics.endpoint: 127.0.0.1:{port} is in use"):
            Service(load((), sets)).start()
    DataLock(tmp_path / "data").release()

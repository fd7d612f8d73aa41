"""`configure`: one line, and what it does in a process that is set up already."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sessions import SessionSpanProcessor, configure, get_client, observe, session
from otel_sessions.sdk import configure as configuring
from otel_sessions.sdk import export, safely, scores
from tests.logged import told_by
from tests.sdk.conftest import App, install


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(monkeypatch, None)
    monkeypatch.setattr(configuring, "_done", [])
    monkeypatch.setattr(scores.SCORES, "url", None)
    monkeypatch.setattr(scores.SCORES, "headers", {})
    yield
    installed = trace.get_tracer_provider()
    if isinstance(installed, TracerProvider):
        installed.shutdown()


class Broken(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise RuntimeError("broken")


def exporters_of(provider: Any) -> list[SpanExporter]:
    return [each.span_exporter for each in configuring.processors(provider) if isinstance(each, BatchSpanProcessor)]


def test_one_line_is_enough() -> None:
    memory = InMemorySpanExporter()
    provider = configure("shop", exporter=memory, resource_attributes={"deployment.environment.name": "test"})
    with session("s"):
        get_client().start_span(name="work").end()
    get_client().flush()
    (span,) = memory.get_finished_spans()
    assert provider is trace.get_tracer_provider()
    assert dict(span.attributes or {}) == {"session.id": "s"}
    assert span.resource.attributes.items() >= {
        ("service.name", "shop"),
        ("deployment.environment.name", "test"),
    }


def test_it_is_idempotent_and_says_when_it_is_told_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    memory = InMemorySpanExporter()
    first = configure("shop", exporter=memory)
    assert configure("shop", exporter=memory) is first
    assert told_by(caplog, safely.logger.name) == []
    assert configure() is first
    assert told_by(caplog, safely.logger.name) == []
    assert configure("other") is first
    assert len(configuring.processors(first)) == 2  # type: ignore[arg-type]
    assert "no effect of service_name" in caplog.text


LATER: list[dict[str, Any]] = [
    {"service_name": "other"},
    {"endpoint": "http://h:4318"},
    {"protocol": "grpc"},
    {"headers": {"authorization": "Basic x"}},
    {"resource_attributes": {"deployment.environment.name": "test"}},
    {"baggage_keys": ["session.id"]},
    {"exporter": InMemorySpanExporter()},
]


@pytest.mark.parametrize("later", LATER, ids=lambda later: next(iter(later)))
@pytest.mark.parametrize("implicit", [False, True], ids=["after configure", "after an observed call"])
def test_what_a_later_call_cannot_change_is_named(
    later: dict[str, Any], implicit: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    if implicit:
        observe(lambda: 7)()
    else:
        configure("shop")
    assert told_by(caplog, safely.logger.name) == []
    configure(**later)
    assert f"no effect of {next(iter(later))}" in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        {"service_name": "other"},
        {"resource_attributes": {"deployment.environment.name": "test"}},
        {"protocol": "grpc"},
        {"headers": {"authorization": "Basic x"}},
        {"baggage_keys": ["session.id"]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_has_no_effect_on_an_installed_provider_is_named(
    given: dict[str, Any], app: App, caplog: pytest.LogCaptureFixture
) -> None:
    trace._TRACER_PROVIDER = app.provider
    assert configure(**given) is app.provider
    assert f"no effect of {next(iter(given))}" in caplog.text


def test_what_is_said_again_in_other_words_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    configure("shop", exporter=InMemorySpanExporter(), baggage_keys=(key for key in ["tenant", "session.id"]))
    configure(baggage_keys=["session.id", "tenant"])
    assert told_by(caplog, safely.logger.name) == []
    configure(baggage_keys="tenant")
    assert "no effect of baggage_keys" in caplog.text


def test_an_installed_provider_may_be_described_as_it_is(app: App, caplog: pytest.LogCaptureFixture) -> None:
    trace._TRACER_PROVIDER = app.provider
    configure(str(app.provider.resource.attributes["service.name"]))
    assert told_by(caplog, safely.logger.name) == []


@pytest.mark.parametrize("implicit", [False, True], ids=["after configure", "after an observed call"])
def test_a_later_call_says_where_scores_go(implicit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    if implicit:
        observe(lambda: 7)()
    else:
        configure(exporter=InMemorySpanExporter())
    configure(scores_endpoint="http://scores:1")
    assert scores.SCORES._target() == "http://scores:1/api/public/scores"


def test_arguments_that_cannot_be_read_cost_no_more_than_themselves(caplog: pytest.LogCaptureFixture) -> None:
    memory = InMemorySpanExporter()
    configure("shop", exporter=memory, resource_attributes=7)  # type: ignore[arg-type]
    observe(lambda: 7)()
    get_client().flush()
    assert [span.resource.attributes["service.name"] for span in memory.get_finished_spans()] == ["shop"]
    assert "reading resource_attributes failed" in caplog.text
    configure(baggage_keys=None)  # type: ignore[arg-type]


LOCKED = """
import multiprocessing, threading
from otel_sessions import configure, observe, session, update_current_trace
from otel_sessions.sdk import configure as configuring, processor

def child():
    @observe
    def work():
        update_current_trace(session_id="s")
    work()
    configure(redact=str)

def hold():
    with configuring._lock, processor.TRACES._lock:
        held.set()
        forked.wait()

configure("parent", "http://127.0.0.1:9")
held, forked = threading.Event(), threading.Event()
threading.Thread(target=hold).start()
held.wait()
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join(60)
forked.set()
print(process.exitcode)
process.kill()
"""


def test_locks_that_a_parents_threads_hold_do_not_stop_a_forked_child() -> None:
    ended = subprocess.run([sys.executable, "-c", LOCKED], check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "0\n", ended.stderr


def test_headers_and_protocol_without_otlp_are_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    configure(headers={"authorization": "Basic x"})
    assert "without protocol and headers" in caplog.text


def test_what_is_installed_is_kept_and_added_to(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "otel_sessions.sdk")
    bare = TracerProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(bare)
    trace._TRACER_PROVIDER = bare
    memory = InMemorySpanExporter()
    assert configure(exporter=memory, baggage_keys=["session.id"]) is bare
    assert "installed already" in caplog.text
    assert [type(each) for each in configuring.processors(bare)] == [SessionSpanProcessor, BatchSpanProcessor]


def test_who_exports_already_gets_no_second_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App()
    install(monkeypatch, app.provider)
    assert configure() is app.provider
    assert exporters_of(app.provider) == []
    assert len(configuring.processors(app.provider)) == 2


@pytest.mark.parametrize(
    ("endpoint", "protocol", "environment", "kind", "sends_to"),
    [
        (None, None, {}, grpc.OTLPSpanExporter, "localhost:4317"),
        ("http://127.0.0.1:4317", None, {}, grpc.OTLPSpanExporter, "127.0.0.1:4317"),
        ("127.0.0.1:4317", None, {}, grpc.OTLPSpanExporter, "127.0.0.1:4317"),
        ("http://h:4318", None, {}, http.OTLPSpanExporter, "http://h:4318/v1/traces"),
        ("https://h/base/", None, {}, http.OTLPSpanExporter, "https://h/base/v1/traces"),
        ("http://h:80/v1/traces", None, {}, http.OTLPSpanExporter, "http://h:80/v1/traces"),
        ("http://h:9", "http/protobuf", {}, http.OTLPSpanExporter, "http://h:9/v1/traces"),
        (
            None,
            None,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"},
            http.OTLPSpanExporter,
            "http://h:4318/v1/traces",
        ),
        (None, None, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, http.OTLPSpanExporter, "localhost:4318"),
        ("http://h:4318", None, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, grpc.OTLPSpanExporter, "h:4318"),
    ],
)
def test_the_protocol_is_that_of_the_argument_the_environment_or_the_endpoint(
    endpoint: str | None,
    protocol: Any,
    environment: dict[str, str],
    kind: type[SpanExporter],
    sends_to: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (processor,) = export.processors(endpoint, protocol, {"x-key": "1"})
    assert isinstance(processor, BatchSpanProcessor)
    assert isinstance(processor.span_exporter, export.PerProcess)
    exporter = processor.span_exporter.exporter
    try:
        assert type(exporter) is kind
        assert sends_to in exporter._endpoint  # type: ignore[attr-defined]
    finally:
        exporter.shutdown()


def test_the_environment_may_name_other_exporters_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert export.processors(None, None, None) == []
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console, none")
    (processor,) = export.processors(None, None, None)
    assert isinstance(processor, BatchSpanProcessor)
    assert type(processor.span_exporter).__name__ == "ConsoleSpanExporter"
    processor.shutdown()


def test_an_endpoint_that_is_none_is_only_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, None)
    configure("shop", "http://[::1")
    assert "configuring failed" in caplog.text


@pytest.mark.parametrize("name", ["nonsense", "otlp"])
def test_an_exporter_that_cannot_be_made_costs_only_the_export(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon")
    assert isinstance(configure(), TracerProvider)
    assert "configuring failed" in caplog.text
    assert observe(lambda: 7)() == 7


def test_a_broken_exporter_costs_only_the_export() -> None:
    configure(exporter=Broken())
    with session("s"):
        assert observe(lambda: 7)() == 7
    get_client().flush()
    get_client().shutdown()
    assert observe(lambda: 8)() == 8


def test_the_first_observation_configures_what_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = InMemorySpanExporter()
    monkeypatch.setattr(export, "processors", lambda *_: [SimpleSpanProcessor(memory)])
    with session("s"):
        assert observe(lambda: 7)() == 7
    get_client().flush()
    assert [(span.attributes or {})["session.id"] for span in memory.get_finished_spans()] == ["s"]


def test_the_first_observation_completes_a_provider_that_stamps_no_sessions() -> None:
    bare = TracerProvider(shutdown_on_exit=False)
    trace._TRACER_PROVIDER = bare
    observe(lambda: 7)()
    assert [type(each) for each in configuring.processors(bare)] == [SessionSpanProcessor]


def test_scores_go_where_the_spans_go() -> None:
    configure(endpoint="http://h:4318", exporter=InMemorySpanExporter(), headers={"authorization": "Basic x"})
    assert (scores.SCORES._target(), scores.SCORES.headers) == (
        "http://h:4318/api/public/scores",
        {"authorization": "Basic x"},
    )

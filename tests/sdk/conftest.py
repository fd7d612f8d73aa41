"""An application in this process: a tracer provider of its own, installed for one test, and its spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sessions import SessionSpanProcessor
from otel_sessions.sdk import safely, serialize
from otel_sessions.sdk.processor import TRACES


class App:
    """A provider, and the spans that have ended."""

    def __init__(self, **provider: Any) -> None:
        self.ended = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **provider)
        self.provider.add_span_processor(SimpleSpanProcessor(self.ended))
        self.provider.add_span_processor(SessionSpanProcessor())
        self.tracer = self.provider.get_tracer("app")

    def spans(self) -> dict[str, ReadableSpan]:
        """By name, of which each must be unique."""
        found = self.ended.get_finished_spans()
        assert len({span.name for span in found}) == len(found)
        return {span.name: span for span in found}

    def attributes(self, name: str) -> dict[str, Any]:
        return dict(self.spans()[name].attributes or {})

    def sessions(self) -> dict[str, Any]:
        """The session of each span."""
        return {name: (span.attributes or {}).get("session.id") for name, span in self.spans().items()}

    def touch(self, name: str) -> None:
        """Starts a span and ends it."""
        with self.tracer.start_as_current_span(name):
            pass


def install(monkeypatch: pytest.MonkeyPatch, provider: trace.TracerProvider | None) -> None:
    """Makes it OpenTelemetry's global one until the end of the test; None is a process without any."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    monkeypatch.setattr(trace._TRACER_PROVIDER_SET_ONCE, "_done", provider is not None)


@pytest.fixture(autouse=True)
def _as_new(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that one test has said is known to the next."""
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(safely, "_seen", set())
    yield
    TRACES.claims.clear()
    serialize.set_hook(None)
    serialize._written.clear()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    made = App()
    install(monkeypatch, made.provider)
    return made

# SPDX-License-Identifier: Apache-2.0
"""`configure`: everything an application needs to send its sessions, in one line; and the tracer of the helpers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import NoOpTracer, ProxyTracerProvider, Tracer

from otel_sessions._version import __version__
from otel_sessions.sdk import export, scores
from otel_sessions.sdk.processor import SessionSpanProcessor
from otel_sessions.sdk.safely import Safely, logger
from otel_sessions.sdk.serialize import Redact, set_hook

SCOPE: Final = "otel_sessions"
_OFF: Final = frozenset({"0", "false", "no", "off"})
_finding = Safely("finding a tracer")
_lock = threading.RLock()
_done: list[tuple[trace.TracerProvider, dict[str, Any]]] = []
_known: tuple[object, Tracer] = (None, NoOpTracer())


def configure(
    service_name: str | None = None,
    endpoint: str | None = None,
    *,
    protocol: Literal["grpc", "http/protobuf"] | None = None,
    headers: Mapping[str, str] | None = None,
    resource_attributes: Mapping[str, str | bool | int | float] | None = None,
    baggage_keys: Iterable[str] = (),
    exporter: SpanExporter | None = None,
    redact: Redact | None = None,
    scores_endpoint: str | None = None,
) -> trace.TracerProvider:
    """Installs a tracer provider with a `SessionSpanProcessor` and an OTLP exporter, and returns it.

    What is not given comes from OpenTelemetry's environment variables; without these, spans go to
    `http://localhost:4317`. A provider that is installed already is kept and added to, which the log says; it gets an
    exporter only if `endpoint` or `exporter` is given, or it has none.

    `redact` sees every input and output before it is written, and those that were written before the call but are not
    exported yet. Scores are posted to the base URL `scores_endpoint`, by default that of the receiver's HTTP port
    beside `endpoint`. Spans and scores are flushed at exit. Of a later call these two take effect; whatever else
    cannot take effect, then or on a provider that is installed already, is named in a warning. Never raises.
    """
    given: dict[str, Any] = {
        "service_name": service_name,
        "endpoint": endpoint,
        "protocol": protocol,
        "headers": headers,
        "resource_attributes": resource_attributes,
        "baggage_keys": baggage_keys,
        "exporter": exporter,
    }
    with _lock, Safely("configuring"):
        if baggage_keys:
            given["baggage_keys"] = frozenset({baggage_keys} if isinstance(baggage_keys, str) else baggage_keys)
        if redact is not None:
            set_hook(redact)
        if scores_endpoint:
            scores.SCORES.url = scores_endpoint
        provider = trace.get_tracer_provider()
        if _done and _done[0][0] is provider:
            _warn_unused([name for name, value in given.items() if value and value != _done[0][1][name]])
            return provider
        unlike: list[str] = []
        if isinstance(provider, ProxyTracerProvider):
            provider = _install(given)
        else:
            logger.info("a tracer provider is installed already; it is kept and added to")
            unlike = _unlike(provider, given)
        _done[:] = [(provider, given)]
        scores.set_target(scores_endpoint, endpoint, headers)
        _warn_unused(unlike + _add_to(provider, given))
    return trace.get_tracer_provider()


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


export.call_after_fork(_renew_lock)


def tracer() -> Tracer:
    """The tracer of the provider that is installed at this moment; never raises.

    The first call configures one with the defaults of `configure` where none is, and adds a `SessionSpanProcessor`
    to an SDK's provider that has none. `OTEL_SESSIONS_AUTO_CONFIGURE=false` leaves everything as it is.
    """
    global _known  # noqa: PLW0603 - a pair replaced at once, so that threads see both halves of one
    provider = trace.get_tracer_provider()
    installed, found = _known
    if provider is installed:
        return found
    with _finding:
        if not is_off("OTEL_SESSIONS_AUTO_CONFIGURE"):
            if isinstance(provider, TracerProvider):
                add_session_processor(provider, SessionSpanProcessor())
            elif (
                isinstance(provider, ProxyTracerProvider) and threading.main_thread().is_alive()
            ):  # not when all is ending
                logger.info("no tracer provider is installed: configuring the default one")
                provider = configure()
        found = provider.get_tracer(SCOPE, __version__)
        if not isinstance(provider, ProxyTracerProvider):
            _known = (provider, found)
        return found
    return NoOpTracer()


def is_off(variable: str) -> bool:
    """Whether an environment variable says no."""
    return os.environ.get(variable, "").strip().lower() in _OFF


def add_session_processor(provider: TracerProvider, processor: SessionSpanProcessor) -> bool:
    """Adds the processor to a provider that has none of its kind; returns whether it did."""
    if any(isinstance(each, SessionSpanProcessor) for each in processors(provider)):
        return False
    provider.add_span_processor(processor)
    return True


def processors(provider: TracerProvider) -> tuple[Any, ...]:
    """The processors of a provider; none where the SDK, which has no public way to ask, keeps them elsewhere."""
    return tuple(getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ()))


def _install(given: Mapping[str, Any]) -> TracerProvider:
    attributes: dict[str, Any] = {}
    with Safely("reading resource_attributes"):
        attributes.update(given["resource_attributes"] or {})
    if given["service_name"]:
        attributes[SERVICE_NAME] = given["service_name"]
    provider = TracerProvider(resource=Resource.create(attributes))
    trace.set_tracer_provider(provider)
    return provider


def _add_to(provider: trace.TracerProvider, given: Mapping[str, Any]) -> list[str]:
    """Adds a session processor and an exporter where it has none; the names of the arguments that have no effect."""
    if not isinstance(provider, TracerProvider):
        logger.warning("%s takes no span processors, so its spans carry no sessions", type(provider).__name__)
        return [name for name in ("protocol", "headers", "baggage_keys", "exporter") if given[name]]
    unused = []
    if not add_session_processor(provider, SessionSpanProcessor(given["baggage_keys"])):
        unused.append("baggage_keys")
    if given["exporter"]:
        provider.add_span_processor(BatchSpanProcessor(given["exporter"]))
        unused.append("protocol")
    elif given["endpoint"] or not any(not isinstance(each, SessionSpanProcessor) for each in processors(provider)):
        for each in export.processors(given["endpoint"], given["protocol"], given["headers"]):
            provider.add_span_processor(each)
    else:
        unused += ["protocol", "headers"]
    return [name for name in unused if given[name]]


def _unlike(provider: trace.TracerProvider, given: Mapping[str, Any]) -> list[str]:
    """The names of the arguments that describe another resource than the provider's, which nothing can change."""
    has = getattr(getattr(provider, "resource", None), "attributes", {})
    wanted = {
        "service_name": {SERVICE_NAME: given["service_name"]},
        "resource_attributes": given["resource_attributes"],
    }
    return [name for name, said in wanted.items() if given[name] and not said.items() <= dict(has).items()]


def _warn_unused(names: list[str]) -> None:
    if names:
        logger.warning("configure() changes nothing of what is set up already: no effect of %s", ", ".join(names))

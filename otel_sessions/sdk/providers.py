"""The tracer of the helpers: of whatever provider is installed; of a default one, where none is."""

from __future__ import annotations

import os
import threading
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracer, ProxyTracerProvider, Tracer

from otel_sessions._version import __version__
from otel_sessions.sdk.processor import SessionSpanProcessor
from otel_sessions.sdk.quietly import Quietly, logger

SCOPE: Final = "otel_sessions"
_OFF: Final = frozenset({"0", "false", "no", "off"})
_finding = Quietly("finding a tracer")
_known: tuple[object, Tracer] = (None, NoOpTracer())


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
        provider = _prepared(provider)
        found = provider.get_tracer(SCOPE, __version__)
        if not isinstance(provider, ProxyTracerProvider):
            _known = (provider, found)
        return found
    return NoOpTracer()


def add_session_processor(provider: TracerProvider, processor: SessionSpanProcessor) -> bool:
    """Whether it had none, and so has this one now."""
    if any(isinstance(each, SessionSpanProcessor) for each in processors(provider)):
        return False
    provider.add_span_processor(processor)
    return True


def processors(provider: TracerProvider) -> tuple[Any, ...]:
    """Those that were added to it; the SDK has no public way to ask, so none where it keeps them elsewhere."""
    return tuple(getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ()))


def _prepared(provider: trace.TracerProvider) -> trace.TracerProvider:
    if os.environ.get("OTEL_SESSIONS_AUTO_CONFIGURE", "").strip().lower() in _OFF:
        return provider
    if isinstance(provider, TracerProvider):
        add_session_processor(provider, SessionSpanProcessor())
    elif isinstance(provider, ProxyTracerProvider) and threading.main_thread().is_alive():  # not when all is ending
        from otel_sessions.sdk.configuring import configure  # noqa: PLC0415 - it needs what stands above

        logger.info("no tracer provider is installed: configuring the default one")
        return configure()
    return provider

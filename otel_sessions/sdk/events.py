"""Session events as OpenTelemetry's semantic conventions define them, on spans.

The conventions make them log events; logs are not stable in OpenTelemetry for Python, and the receiver takes traces.
"""

from __future__ import annotations

from opentelemetry.trace import Span, get_current_span
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import providers, values
from otel_sessions.sdk.quietly import Quietly

_telling = Quietly("telling of a session's life")


def session_start(session_id: str, *, previous_id: str | None = None) -> None:
    """Tells that a session has begun, and which one of the same user it follows; that one has ended thereby.

    The event `session.start` is on the current span; without one, on a span of the same name. Never raises.
    """
    _tell(semconv.SESSION_START, session_id, previous_id)


def session_end(session_id: str) -> None:
    """Tells that a session has ended; where another one follows, call it before `session_start`. Never raises."""
    _tell(semconv.SESSION_END, session_id, None)


def _tell(name: str, session_id: str, previous_id: str | None) -> None:
    with _telling:
        session, previous = values.identifier(session_id), values.identifier(previous_id)
        if session is None:
            return
        attributes: dict[str, AttributeValue] = {semconv.SESSION_ID: session}
        if previous not in {None, session}:
            attributes[semconv.SESSION_PREVIOUS_ID] = str(previous)
        _add(get_current_span(), name, attributes)


def _add(span: Span, name: str, attributes: dict[str, AttributeValue]) -> None:
    if span.is_recording():
        span.add_event(name, attributes)
    elif not span.get_span_context().is_valid:  # a current span that is not sampled stays silent
        own = providers.tracer().start_span(name, attributes=attributes)
        own.add_event(name, attributes)
        own.end()

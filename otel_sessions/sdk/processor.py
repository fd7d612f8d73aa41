"""`SessionSpanProcessor`: stamps the session on every span that starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.baggage import get_baggage
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import state, values
from otel_sessions.sdk.quietly import Quietly
from otel_sessions.sdk.traces import TRACES

_stamping = Quietly("stamping a span with its session")
_forgetting = Quietly("forgetting a trace")


class SessionSpanProcessor(SpanProcessor):
    """Gives each span the session of the context it starts in (`session`), or what was claimed for its trace
    (`update_current_trace`); of the two, what was said last.

    A span that starts with a `session.id` of its own keeps it. Entries of W3C baggage become attributes if their key
    is among `baggage_keys`, and nothing else says otherwise: anyone who can call this service can write baggage.
    """

    def __init__(self, baggage_keys: Iterable[str] = ()) -> None:
        self._baggage_keys = (baggage_keys,) if isinstance(baggage_keys, str) else tuple(baggage_keys)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        with _stamping:
            parent = span.parent
            if parent is None or parent.is_remote:
                TRACES.opened(span.get_span_context().trace_id, span)
            found = self._attributes(span, parent_context)
            if not found:
                return
            own = span.attributes
            own_id = own is not None and semconv.SESSION_ID in own
            for key, value in found.items():
                if not (own_id and key == semconv.SESSION_ID):
                    span.set_attribute(key, value)

    def on_end(self, span: ReadableSpan) -> None:
        parent = span.parent
        if parent is None or parent.is_remote:
            with _forgetting:
                ids = span.get_span_context()
                if ids is not None:
                    TRACES.ended(ids.trace_id, ids.span_id)

    def _attributes(self, span: Span, parent_context: Context | None) -> Mapping[str, AttributeValue] | None:
        """What is to be on the span; a context that was handed over comes before the current one."""
        here = state.current(get_current() if parent_context is None else parent_context)
        if here is None and parent_context is not None:
            here = state.current(get_current())
        claim = TRACES.claims.get(span.get_span_context().trace_id) if TRACES.claims else None
        found = _latest(here, claim)
        return self._with_baggage(found, parent_context) if self._baggage_keys else found

    def _with_baggage(
        self, found: Mapping[str, AttributeValue] | None, context: Context | None
    ) -> Mapping[str, AttributeValue]:
        carried = {}
        for key in self._baggage_keys:
            if (value := values.identifier(get_baggage(key, context))) is not None:
                carried[key] = value
        return {**carried, **(found or {})}


def _latest(one: state.Stamp | None, other: state.Stamp | None) -> Mapping[str, AttributeValue] | None:
    """The attributes of both, the later one's first where they disagree."""
    if one is None or other is None:
        only = one or other
        return only.attributes if only else None
    older, newer = sorted((one, other), key=lambda each: each.number)
    return {**older.attributes, **newer.attributes}

"""`SessionSpanProcessor`: stamps the session on every span that starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.baggage import get_baggage
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.util.types import AttributeValue

from otel_sessions.sdk import stamping, state, values
from otel_sessions.sdk.quietly import Quietly, log_once
from otel_sessions.sdk.state import stamp_in
from otel_sessions.sdk.traces import TRACES

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
        try:
            parent = span.parent
            if parent is None or parent.is_remote:
                TRACES.opened(span.context.trace_id, span)
            if found := self._attributes(span, parent_context):
                stamping.put(span, found)
        except Exception as error:  # noqa: BLE001 - the application's span goes on without
            log_once("stamping a span with its session", type(error), error)

    def on_end(self, span: ReadableSpan) -> None:
        parent = span.parent
        if parent is None or parent.is_remote:
            with _forgetting:
                TRACES.ended(span.context.trace_id, span.context.span_id)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here. Without this, older SDKs would not flush the processors that follow."""
        return True

    def _attributes(self, span: Span, parent_context: Context | None) -> Mapping[str, AttributeValue] | None:
        """What is to be on the span; a context that was handed over comes before the current one."""
        here = stamp_in(parent_context) if parent_context is not None else None
        if here is None:
            here = stamp_in(get_current())
        claims = TRACES.claims
        claim = claims.get(span.context.trace_id) if claims else None
        if claim is None and not self._baggage_keys:
            return here.attributes if here is not None else None
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

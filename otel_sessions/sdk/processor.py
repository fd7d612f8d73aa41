"""`SessionSpanProcessor` stamps every span that starts with the session of its context, or of its trace."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.baggage import get_baggage
from opentelemetry.context import Context, create_key, get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import get_tracer_provider
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import children, serialize
from otel_sessions.sdk.safely import Safely, log_once

MAX_TRACES: Final = 10_000
"""Of the open ones, and of the claimed ones: the oldest are forgotten first."""
KEY: Final = create_key("otel-sessions")
Attributes = dict[str, AttributeValue]
_numbers: Final = count(1)
_forgetting = Safely("forgetting a trace")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Attributes for the spans of a context or of a trace; of two, the one made later has the greater `number`."""

    attributes: Attributes
    number: int


def stamp(attributes: Attributes) -> Stamp:
    return Stamp(attributes, next(_numbers))


def stamp_in(context: Context) -> Stamp | None:
    """What `session` has put into a context."""
    return context.get(KEY)  # type: ignore[return-value]  # nobody else has the key


class Traces:
    """The traces of this process: their local roots while these are open, and what was claimed for whole traces.

    Any thread may call it.
    """

    def __init__(self, limit: int = MAX_TRACES) -> None:
        self.claims: dict[int, Stamp] = {}
        self._roots: dict[int, tuple[AnySpan, ...]] = {}
        self._limit = limit
        self.renew_lock()

    def renew_lock(self) -> None:
        self._lock = threading.Lock()

    def opened(self, trace_id: int, root: AnySpan) -> None:
        """A span without parent, or whose parent is in another process, has started."""
        with self._lock:
            known = self._roots.get(trace_id, ())
            if root not in known:
                self._roots[trace_id] = (*known, root)
                _bound(self._roots, self._limit)

    def ended(self, trace_id: int, span_id: int) -> None:
        """Such a span has ended."""
        with self._lock:
            left = tuple(root for root in self._roots.pop(trace_id, ()) if _span_id(root) != span_id)
            if left:
                self._roots[trace_id] = left

    def roots(self, trace_id: int) -> tuple[AnySpan, ...]:
        """The open local roots of a trace; most often one."""
        return self._roots.get(trace_id, ())

    def claim(self, trace_id: int, attributes: Attributes) -> None:
        """Later spans of this trace get these attributes, and those that were claimed before."""
        with self._lock:
            before = self.claims.pop(trace_id, None)
            self.claims[trace_id] = stamp({**before.attributes, **attributes} if before else attributes)
            _bound(self.claims, self._limit)


def _span_id(span: AnySpan) -> int:
    return span.get_span_context().span_id


def _bound(entries: dict[int, Stamp] | dict[int, tuple[AnySpan, ...]], limit: int) -> None:
    while len(entries) > limit:
        del entries[next(iter(entries))]


TRACES: Final = Traces()
"""One for the process: a trace goes through whatever tracer providers there are."""
children.after_fork(TRACES.renew_lock)


@cache
def _see_to_children() -> None:
    children.at_end(_flush)


def _flush() -> None:
    provider = get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush()


class SessionSpanProcessor(SpanProcessor):
    """Gives each span the session of the context it starts in (`session`), or what was claimed for its trace
    (`update_current_trace`); of the two, what was said last.

    A span that starts with a `session.id` of its own keeps it. Entries of W3C baggage become attributes if their key
    is among `baggage_keys`, and nothing else says otherwise: anyone who can call this service can write baggage.
    """

    def __init__(self, baggage_keys: Iterable[str] = ()) -> None:
        self._baggage_keys = (baggage_keys,) if isinstance(baggage_keys, str) else tuple(baggage_keys)
        _see_to_children()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        try:
            parent = span.parent
            if parent is None or parent.is_remote:
                TRACES.opened(span.context.trace_id, span)
            if found := self._attributes(span, parent_context):
                _put(span, found)
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
            if (value := serialize.identifier(get_baggage(key, context))) is not None:
                carried[key] = value
        return {**carried, **(found or {})}


def _latest(one: Stamp | None, other: Stamp | None) -> Mapping[str, AttributeValue] | None:
    """The attributes of both, the later one's first where they disagree."""
    if one is None or other is None:
        only = one or other
        return only.attributes if only else None
    older, newer = sorted((one, other), key=lambda each: each.number)
    return {**older.attributes, **newer.attributes}


def _put(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    """Sets attributes that are known to be valid; a session id that the span has already stays.

    The SDK checks each attribute anew, at more than a microsecond each; those of a session were checked when it began.
    So they go straight into the SDK's own dictionary where it looks as it does today, and through its API elsewhere.
    """
    try:
        held = span._attributes
        inner = held._dict  # type: ignore[union-attr]
        if held.max_value_len is None and type(held) is BoundedAttributes:  # type: ignore[union-attr]
            with held._lock:
                if held.maxlen is None or len(inner) + len(attributes) <= held.maxlen:
                    _update(inner, attributes)
                    return
    except AttributeError:
        pass  # another SDK's span, or another version's
    _put_by_api(span, attributes)


def _update(inner: dict[str, AttributeValue], attributes: Mapping[str, AttributeValue]) -> None:
    own = inner.get(semconv.SESSION_ID) if inner else None
    inner.update(attributes)
    if own is not None:
        inner[semconv.SESSION_ID] = own


def _put_by_api(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    own = semconv.SESSION_ID in (span.attributes or {})
    for key, value in attributes.items():
        if not (own and key == semconv.SESSION_ID):
            span.set_attribute(key, value)

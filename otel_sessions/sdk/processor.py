# SPDX-License-Identifier: Apache-2.0
"""`SessionSpanProcessor` stamps every span that starts with the session of its context, or of its trace."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Final
from weakref import ref

from opentelemetry import context as context_api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.baggage import get_baggage
from opentelemetry.context import Context, create_key, get_current
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import get_tracer_provider
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import export, serialize
from otel_sessions.sdk.safely import log_once

MAX_TRACES: Final = 10_000
"""Of the claimed ones, and of roots since the last claim: the oldest are forgotten first. Of open ones twice that."""
KEY: Final = create_key("otel-sessions")
Attributes = dict[str, AttributeValue]
_numbers: Final = count(1)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Attributes for the spans of a context or of a trace; of two, the one made later has the greater `number`."""

    attributes: Attributes
    number: int


def stamp(attributes: Attributes) -> Stamp:
    """The stamp of these attributes, later than all that were made before."""
    return Stamp(attributes, next(_numbers))


def stamp_in(context: Context) -> Stamp | None:
    """What `session` has put into a context; None without one."""
    return context.get(KEY)  # type: ignore[return-value]  # nobody else has the key


def current_from(runtime: object) -> Callable[[], Context]:
    """What returns the current context of this runtime: its variable's own `get`, in which no Python is run, where
    the API keeps it as it does today, and elsewhere `get_current`."""
    variable = getattr(runtime, "_current_context", None) if type(runtime) is ContextVarsRuntimeContext else None
    return variable.get if isinstance(variable, ContextVar) else get_current


_current: Final = current_from(getattr(context_api, "_RUNTIME_CONTEXT", None))


class Traces:
    """The traces of this process: their local roots while these are open, and what was claimed for whole traces.

    Any thread may call it. Roots are looked for when a trace is claimed: when they start, which is for each request,
    they are only noted.
    """

    def __init__(self, limit: int = MAX_TRACES) -> None:
        self.claims: dict[int, Stamp] = {}
        self.started: deque[ref[AnySpan]] = deque(maxlen=limit)
        """Spans without parent, or whose parent is in another process, since roots were last looked for."""
        self._roots: dict[int, tuple[ref[AnySpan], ...]] = {}
        self._limit = limit
        self.renew_lock()

    def renew_lock(self) -> None:
        self._lock = threading.Lock()

    def roots(self, trace_id: int) -> tuple[AnySpan, ...]:
        """The open local roots of a trace; most often one."""
        with self._lock:
            while self.started:
                if root := _if_open(noted := self.started.popleft()):
                    started = root.get_span_context().trace_id
                    self._roots[started] = (*self._roots.get(started, ()), noted)
            if len(self._roots) > 2 * self._limit:
                self._roots = {key: each for key, each in self._roots.items() if any(map(_if_open, each))}
                _bound(self._roots, self._limit)
            return tuple(root for noted in self._roots.get(trace_id, ()) if (root := _if_open(noted)))

    def claim(self, trace_id: int, attributes: Attributes) -> None:
        """Later spans of this trace get these attributes, and those that were claimed before."""
        with self._lock:
            before = self.claims.pop(trace_id, None)
            self.claims[trace_id] = stamp({**before.attributes, **attributes} if before else attributes)
            _bound(self.claims, self._limit)


def _if_open(noted: ref[AnySpan]) -> AnySpan | None:
    span = noted()
    return span if span is not None and span.is_recording() else None


def _bound(entries: dict[int, Any], limit: int) -> None:
    while len(entries) > limit:
        entries.pop(next(iter(entries)), None)


TRACES: Final = Traces()
"""One for the process: a trace goes through whatever tracer providers there are."""
export.call_after_fork(TRACES.renew_lock)


@cache
def _flush_in_children() -> None:
    export.call_at_end(_flush)


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
        _flush_in_children()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        try:
            try:
                parent = span._parent  # what the property returns, which takes a sixth of all this
            except AttributeError:
                parent = span.parent  # another SDK's span, or another version's
            if parent is None or parent.is_remote:
                TRACES.started.append(ref(span))
            # A context that was handed over comes before the current one.
            here: Stamp | None = parent_context.get(KEY) if parent_context else None  # type: ignore[assignment]
            if here is None:
                here = _current().get(KEY)  # type: ignore[assignment]
            if TRACES.claims or self._baggage_keys:
                # what the context says, what was claimed for the trace, and entries of baggage
                found = _latest(here, TRACES.claims.get(span.context.trace_id))
                carried: Attributes = {}
                for key in self._baggage_keys:
                    if (value := serialize.identifier(get_baggage(key, parent_context))) is not None:
                        carried[key] = value
                _put(span, {**carried, **found} if carried else found)
            elif here is not None:
                _put(span, here.attributes)
        except Exception as error:  # noqa: BLE001 - the application's span goes on without
            log_once("stamping a span with its session", type(error), error)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here. Without this, older SDKs would not flush the processors that follow."""
        return True


def _latest(one: Stamp | None, other: Stamp | None) -> Attributes:
    """The attributes of both, the later one's first where they disagree."""
    if one is None or other is None:
        only = one or other
        return only.attributes if only else {}
    older, newer = sorted((one, other), key=lambda each: each.number)
    return {**older.attributes, **newer.attributes}


def _put(span: Span, attributes: Attributes) -> None:
    """Sets attributes that are known to be valid; a session id that the span has already stays.

    The SDK checks each attribute anew, at more than a microsecond each; those of a session were checked when it began.
    So they go straight into the SDK's own dictionary where it looks as it does today, and through its API elsewhere.
    """
    try:
        held = span._attributes
        if type(held) is BoundedAttributes and held.max_value_len is None:
            inner = held._dict
            if held.maxlen is None or len(inner) + len(attributes) <= held.maxlen:
                own = inner.get(semconv.SESSION_ID) if inner else None
                inner.update(attributes)  # without its lock: a span that is just starting is in no other thread's hands
                if own is not None:
                    inner[semconv.SESSION_ID] = own
                return
    except AttributeError:
        pass  # another SDK's span, or another version's
    has_own = semconv.SESSION_ID in (span.attributes or {})
    for key, value in attributes.items():
        if not (has_own and key == semconv.SESSION_ID):
            span.set_attribute(key, value)

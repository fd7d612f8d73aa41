# SPDX-License-Identifier: Apache-2.0
"""`session`: every span started inside belongs to it; `update_current_trace`: what is said of a trace holds for all of
its spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any, Final, Self, TypedDict, TypeVar, Unpack, cast

from opentelemetry import baggage as w3c
from opentelemetry.context import Context, attach, detach, get_current, set_value
from opentelemetry.trace import Span, get_current_span
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import processor, serialize, wrap
from otel_sessions.sdk.configure import tracer
from otel_sessions.sdk.processor import TRACES, Attributes
from otel_sessions.sdk.safely import Safely, logger, warn_once

F = TypeVar("F", bound=Callable[..., Any])
_entering = Safely("entering a session")
_telling = Safely("telling of a session's life")
_updating = Safely("updating a trace")


class session:  # noqa: N801 - reads as a verb: `with session("id"):`
    """`with session("id"):`, `async with`, or `@session("id")` on functions, coroutines and generators.

    Spans started inside carry the id, and the user, tags and metadata if given; of nested sessions the inner one
    counts, whole, and the outer one is back afterwards. Tasks started inside belong to it; threads do if they run
    in a copy of the context. What is no id (None, white space, over 8,192 bytes) changes nothing.

    With `baggage=True` the id, and nothing else, travels in W3C baggage to whatever is called, third parties included.
    Never raises. It may be entered any number of times at once.
    """

    __slots__ = ("_baggage", "_entered", "_stamp")

    def __init__(
        self,
        session_id: str | None,
        *,
        user_id: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        baggage: bool = False,
    ) -> None:
        self._baggage = baggage
        self._entered: list[tuple[Context, Token[Context]]] = []
        self._stamp: Attributes = {}
        with Safely("reading a session"):
            found = attributes_of(session_id, user_id, tags, metadata)
            if semconv.SESSION_ID in found:
                self._stamp = found
            elif session_id is not None:
                logger.warning("this is no session id, so spans go without: %.80r", session_id)

    def __enter__(self) -> Self:
        context = Context(self._context())
        self._entered.append((context, attach(context)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        current = get_current()
        for entered in reversed(self._entered):
            if entered[0] is current:
                self._entered.remove(entered)
                detach(entered[1])
                return
        if self._entered:  # something inside has left its own context behind
            detach(self._entered.pop()[1])

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F, /) -> F:
        return cast(F, wrap.wrap(function, lambda _: lambda args, kwargs: wrap.Inside(self._context())))

    def _context(self) -> Context:
        """The current context with this session."""
        context = get_current()
        if self._stamp:
            with _entering:
                context = set_value(processor.KEY, processor.stamp(self._attributes(context)), context)
                if self._baggage and semconv.SESSION_ID in self._stamp:
                    context = w3c.set_baggage(semconv.SESSION_ID, self._stamp[semconv.SESSION_ID], context)
        return context

    def _attributes(self, context: Context) -> Attributes:
        return self._stamp


class propagate_attributes(session):  # noqa: N801 - a name of Langfuse's API
    """`session` by the name and the rules of Langfuse's newer SDKs: what is given is added to what encloses it, is also
    written to the current span, and may go without a session id."""

    __slots__ = ()

    def __init__(
        self,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        version: str | None = None,
        tags: Sequence[str] | None = None,
        trace_name: str | None = None,
        environment: str | None = None,
        prompt: Any = None,
        as_baggage: bool = False,
    ) -> None:
        super().__init__(session_id, baggage=as_baggage)
        with Safely("reading attributes to propagate"):
            self._stamp = {
                **attributes_of(session_id, user_id, tags, metadata),
                **propagated_attributes(version=version, trace_name=trace_name, environment=environment, prompt=prompt),
            }

    def _attributes(self, context: Context) -> Attributes:
        span = get_current_span(context)
        if span.is_recording():
            span.set_attributes(self._stamp)
        outer = processor.stamp_in(context)
        return {**outer.attributes, **self._stamp} if outer is not None else self._stamp


# OpenTelemetry's semantic conventions make these log events; logs are not stable in OpenTelemetry for Python, and the
# receiver takes traces.


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
        session, previous = serialize.identifier(session_id), serialize.identifier(previous_id)
        if session is None:
            return
        attributes: dict[str, AttributeValue] = {semconv.SESSION_ID: session}
        if previous not in {None, session}:
            attributes[semconv.SESSION_PREVIOUS_ID] = str(previous)
        span = get_current_span()
        if span.is_recording():
            span.add_event(name, attributes)
        elif not span.get_span_context().is_valid:  # a current span that is not sampled stays silent
            own = tracer().start_span(name, attributes=attributes)
            own.add_event(name, attributes)
            own.end()


# Whole traces


class TraceFields(TypedDict, total=False):
    """What may be said of a whole trace; None says nothing."""

    session_id: str | None
    user_id: str | None
    name: str | None
    tags: Sequence[str] | None
    metadata: Any
    input: Any
    output: Any
    version: str | None
    release: str | None
    public: bool | None


def update_current_trace(**fields: Unpack[TraceFields]) -> None:
    """Says something of the whole current trace: `session_id`, `user_id`, `name`, `tags`, `metadata`, `input`, ...

    The session gathers all spans of the trace: those that have ended, those of other services, those to come.
    Written are the current span, the trace's root in this process while it is open, and every later span of it here;
    the receiver attributes the rest. Without a current span, or in a trace that is not sampled, nothing happens.
    """
    update_trace(get_current_span(), fields)


def update_trace(span: Span, fields: Mapping[str, Any]) -> None:
    """Says something of the whole trace of this span, as `update_current_trace` does."""
    with _updating:
        ids = span.get_span_context()
        if not ids.is_valid:
            warn_once("there is no current span, so no trace to update")
            return
        if not ids.trace_flags.sampled:
            return
        found = {field: value for field, value in fields.items() if value is not None}
        metadata = serialize.metadata(semconv.TRACE_METADATA, found["metadata"]) if "metadata" in found else {}
        for_all = {**attributes_of(found.get("session_id"), found.get("user_id"), found.get("tags")), **metadata}
        roots = TRACES.roots(ids.trace_id)
        for root in roots or (span,):
            if root.is_recording():
                root.set_attributes(for_all)
                # writes what only the root of a trace carries
                for field, value in found.items():
                    if key := _CONTENTS.get(field):
                        serialize.write(root, key, value)
                    elif said := _OF_ROOT.get(field):
                        root.set_attribute(said[0], said[1](value))
                    elif field not in TraceFields.__annotations__:
                        warn_once(f"a trace has no field {field!r}; it is left out")
        if span not in roots and span.is_recording():
            span.set_attributes(for_all)
        if for_all:
            TRACES.claim(ids.trace_id, for_all)


def attributes_of(
    session_id: object,
    user_id: object = None,
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Attributes:
    """The attributes by which the receiver knows a session; what is None, or no id, is left out."""
    found: Attributes = {}
    if (session := serialize.identifier(session_id)) is not None:
        found[semconv.SESSION_ID] = session
    if (user := serialize.identifier(user_id)) is not None:
        found[semconv.USER_ID] = user
    if tags:
        found[semconv.TRACE_TAGS] = serialize.tags(tags)
    if metadata:
        found.update(serialize.metadata(semconv.TRACE_METADATA, metadata))
    return found


def propagated_attributes(**found: Any) -> Attributes:
    """The attributes for `version`, `trace_name`, `environment` and `prompt`, those that are given."""
    attributes: Attributes = {}
    for field, value in found.items():
        if value is not None:
            attributes.update(prompt(value) if field == "prompt" else {_PROPAGATED[field]: serialize.text(value)})
    return attributes


def prompt(given: Any) -> Attributes:
    """The attributes that name a prompt, given as an object or a mapping with name and version; none without a name."""
    of = given if isinstance(given, Mapping) else {key: getattr(given, key, None) for key in ("name", "version")}
    name, version = of.get("name"), of.get("version")
    if name is None:
        return {}
    found: Attributes = {semconv.PROMPT_NAME: serialize.text(name)}
    return found if version is None else {**found, semconv.PROMPT_VERSION: serialize.attribute(version)}


_CONTENTS: Final = {"input": semconv.TRACE_INPUT, "output": semconv.TRACE_OUTPUT}
_OF_ROOT: Final[Mapping[str, tuple[str, Callable[[Any], str | bool]]]] = {
    "name": (semconv.TRACE_NAME, serialize.text),
    "version": (semconv.TRACE_VERSION, serialize.text),
    "release": (semconv.TRACE_RELEASE, serialize.text),
    "public": (semconv.TRACE_PUBLIC, bool),
}
_PROPAGATED: Final = {
    "version": semconv.TRACE_VERSION,
    "trace_name": semconv.TRACE_NAME,
    "environment": semconv.ENVIRONMENT,
}

# SPDX-License-Identifier: Apache-2.0
"""`get_client`, and the observations it starts: spans that can be updated, nested and scored. The names are those of
Langfuse's Python SDK 3."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal, Self, TypedDict, Unpack, get_args

from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    Status,
    StatusCode,
    get_current_span,
    get_tracer_provider,
    set_span_in_context,
)

from otel_sessions import semconv
from otel_sessions.sdk import scores, serialize
from otel_sessions.sdk.configure import tracer
from otel_sessions.sdk.processor import Attributes
from otel_sessions.sdk.safely import Safely, warn_once
from otel_sessions.sdk.session import TraceFields, prompt, update_trace

Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
Kind = Literal[
    "span", "generation", "embedding", "agent", "tool", "chain", "retriever", "evaluator", "guardrail", "event"
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
_MAX_DESCRIPTION: Final = 4096
_checking = Safely("checking as_type")
_starting = Safely("starting an observation")
_updating = Safely("updating an observation")
_ending = Safely("ending an observation")
_flushing = Safely("flushing")


class Fields(TypedDict, total=False):
    """What may be said of an observation beside its name; None says nothing. `usage` and `cost` are short forms."""

    input: Any
    output: Any
    metadata: Any
    version: str | None
    level: Level | None
    status_message: str | None
    model: str | None
    model_parameters: Mapping[str, Any] | None
    usage: Mapping[str, int] | None
    usage_details: Mapping[str, int] | None
    cost: float | Mapping[str, float] | None
    cost_details: Mapping[str, float] | None
    completion_start_time: datetime | None
    prompt: Any


class Starting:
    """Starts observations below a context: the current one, or that of an observation. Nothing it does raises.

    Those with `current` in their name are context managers: the observation is the current span inside, and ends with
    it unless `end_on_exit=False`; an exception is recorded and goes on. The others are ended by `end()`.
    """

    __slots__ = ()

    def start_span(self, *, name: str, **more: Unpack[Fields]) -> Observation:
        return self.start_observation(name=name, **more)

    def start_generation(self, *, name: str, **more: Unpack[Fields]) -> Observation:
        return self.start_observation(name=name, as_type="generation", **more)

    def start_observation(self, *, name: str, as_type: Kind = "span", **more: Unpack[Fields]) -> Observation:
        return _start(self._parent(), name, as_type, more)

    @contextmanager
    def start_as_current_span(
        self, *, name: str, end_on_exit: bool = True, **more: Unpack[Fields]
    ) -> Iterator[Observation]:
        with _current(_start(self._parent(), name, "span", more), end_on_exit) as observation:
            yield observation

    @contextmanager
    def start_as_current_generation(
        self, *, name: str, end_on_exit: bool = True, **more: Unpack[Fields]
    ) -> Iterator[Observation]:
        with _current(_start(self._parent(), name, "generation", more), end_on_exit) as observation:
            yield observation

    @contextmanager
    def start_as_current_observation(
        self, *, name: str, as_type: Kind = "span", end_on_exit: bool = True, **more: Unpack[Fields]
    ) -> Iterator[Observation]:
        with _current(_start(self._parent(), name, as_type, more), end_on_exit) as observation:
            yield observation

    def create_event(self, *, name: str, **more: Unpack[Fields]) -> Observation:
        """An observation without duration."""
        observation = _start(self._parent(), name, "event", more)
        observation.end()
        return observation

    def _parent(self) -> Context | None:
        """Where the next observation belongs; None means the current context."""
        return None


class Observation(Starting):
    """A span of its own kind, by `as_type`. `otel_span` is OpenTelemetry's."""

    __slots__ = ("_context", "otel_span")

    def __init__(self, span: Span, context: Context | None = None) -> None:
        self.otel_span = span
        self._context = context

    @property
    def id(self) -> str:
        """16 hex digits."""
        return f"{self.otel_span.get_span_context().span_id:016x}"

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return f"{self.otel_span.get_span_context().trace_id:032x}"

    def update(self, *, name: str | None = None, **more: Unpack[Fields]) -> Self:
        """Says more of the observation; what is None stays as it is."""
        with _updating:
            if name is not None and self.otel_span.is_recording():
                self.otel_span.update_name(serialize.words(name, serialize.MAX_NAME))
            _write(self.otel_span, more)
        return self

    def update_trace(self, **more: Unpack[TraceFields]) -> Self:
        """Says more of its whole trace, as `update_current_trace` does."""
        update_trace(self.otel_span, more)
        return self

    def score(self, *, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]) -> None:
        """Scores this observation."""
        scores.send(name, value, more, trace_id=self.trace_id, observation_id=self.id)

    def score_trace(self, *, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]) -> None:
        """Scores its trace."""
        scores.send(name, value, more, trace_id=self.trace_id)

    def end(self, *, end_time: int | None = None) -> Self:
        """Ends it, now or at `end_time` (ns since 1970)."""
        with _ending:
            self.otel_span.end(end_time)
        return self

    def _parent(self) -> Context | None:
        return set_span_in_context(self.otel_span, self._context)


class Client(Starting):
    """Starts observations below the current span, updates what is current, sends scores. Nothing it does raises.

    It has no state: it works with whatever tracer provider is installed, and installs the default one of `configure`
    at the first observation if there is none.
    """

    __slots__ = ()

    def update_current_span(self, *, name: str | None = None, **more: Unpack[Fields]) -> None:
        """Says more of the current span, whoever started it."""
        Observation(get_current_span()).update(name=name, **more)

    def update_current_generation(self, *, name: str | None = None, **more: Unpack[Fields]) -> None:
        """Says more of the current call of a model: `model`, `usage_details`, `cost_details`, ..."""
        Observation(get_current_span()).update(name=name, **more)

    def update_current_trace(self, **more: Unpack[TraceFields]) -> None:
        """See `otel_sessions.update_current_trace`."""
        update_trace(get_current_span(), more)

    def get_current_trace_id(self) -> str | None:
        ids = get_current_span().get_span_context()
        return f"{ids.trace_id:032x}" if ids.is_valid else None

    def get_current_observation_id(self) -> str | None:
        ids = get_current_span().get_span_context()
        return f"{ids.span_id:016x}" if ids.is_valid else None

    def create_score(
        self,
        *,
        name: str,
        value: float | str | bool,
        session_id: str | None = None,
        trace_id: str | None = None,
        observation_id: str | None = None,
        **more: Unpack[scores.ScoreFields],
    ) -> None:
        """Scores a session, a trace or an observation by its id, in the background."""
        scores.send(name, value, more, session_id=session_id, trace_id=trace_id, observation_id=observation_id)

    def score_session(
        self, *, session_id: str, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]
    ) -> None:
        """Scores a session."""
        scores.send(name, value, more, session_id=session_id)

    def score_current_trace(self, *, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]) -> None:
        """Scores the current trace; without one, nothing happens."""
        if trace_id := self.get_current_trace_id():
            scores.send(name, value, more, trace_id=trace_id)

    def score_current_span(self, *, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]) -> None:
        """Scores the current span; without one, nothing happens."""
        if trace_id := self.get_current_trace_id():
            scores.send(name, value, more, trace_id=trace_id, observation_id=self.get_current_observation_id())

    def auth_check(self) -> bool:
        """True: whether credentials are right shows when spans are sent."""
        return True

    def flush(self, timeout: float = 10.0) -> None:
        """Returns when all ended spans and all scores were sent, or `timeout` seconds have passed for the scores."""
        with _flushing:
            provider = get_tracer_provider()
            if isinstance(provider, TracerProvider):
                provider.force_flush(int(timeout * 1000))
            scores.SCORES.flush(timeout)

    def shutdown(self) -> None:
        """Flushes, and shuts the tracer provider down: no span is recorded after that."""
        self.flush()
        with _flushing:
            provider = get_tracer_provider()
            if isinstance(provider, TracerProvider):
                provider.shutdown()


_CLIENT: Final = Client()


def get_client(**_: object) -> Client:
    """The client; there is one. Arguments, such as another client's `public_key`, mean nothing."""
    return _CLIENT


def _start(parent: Context | None, name: str, kind: str, more: Mapping[str, Any]) -> Observation:
    with _starting:
        span = tracer().start_span(serialize.words(name, serialize.MAX_NAME), parent)
        with _updating:
            if kind != "span":
                check_kind(kind)
                span.set_attribute(semconv.OBSERVATION_TYPE, kind)
            _write(span, more)
        return Observation(span, parent)
    return Observation(INVALID_SPAN)


@contextmanager
def _current(observation: Observation, end_on_exit: bool) -> Iterator[Observation]:
    token = attach(set_span_in_context(observation.otel_span))
    try:
        yield observation
    except Exception as error:
        with _ending:
            record_error(observation.otel_span, error)
        raise
    finally:
        detach(token)
        if end_on_exit:
            observation.end()


def _write(span: Span, more: Mapping[str, Any]) -> None:
    if not more or not span.is_recording():
        return
    for field, value in more.items():
        if value is None:
            continue
        if key := _CONTENTS.get(field):
            serialize.write(span, key, value)
        elif convert := _CONVERT.get(field):
            span.set_attributes(convert(value))
        else:
            warn_once(f"an observation has no field {field!r}; it is left out")
    if more.get("level") == "ERROR":
        message = more.get("status_message")
        span.set_status(Status(StatusCode.ERROR, None if message is None else serialize.words(message)))


def check_kind(kind: object) -> None:
    """Warns of one that nobody knows: the observation goes on, but counts as none of the known ones."""
    if kind in KINDS:
        return
    with _checking:
        from difflib import get_close_matches  # noqa: PLC0415 - slow to import, seldom needed

        near = get_close_matches(str(kind).lower(), KINDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KINDS)}"
        warn_once(f"as_type={kind!r:.80} is no known kind of observation; {hint}")


def record_error(span: Span, error: BaseException) -> None:
    """Records what has a place in a span: exceptions, not the end of the program or of a task. May raise."""
    if not isinstance(error, Exception) or not span.is_recording():
        return
    kind, message = type(error), serialize.words(error)
    described = serialize.words(f"{kind.__name__}: {message}", _MAX_DESCRIPTION)
    span.set_status(Status(StatusCode.ERROR, described))
    attributes = {  # OpenTelemetry semantic conventions, exceptions
        "exception.type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        "exception.message": message,
        "exception.stacktrace": serialize.words("".join(traceback.format_exception(error))),
    }
    span.add_event("exception", attributes)


def _usage(details: Any) -> Attributes:
    """The usage as it was given, and input and output tokens by their standard names."""
    if not isinstance(details, Mapping):
        return {semconv.USAGE_DETAILS: serialize.text(details)}
    found: Attributes = {semconv.USAGE_DETAILS: json.dumps(dict(details), default=str)}
    for key, names in _TOKENS.items():
        counts = [details[name] for name in names if type(details.get(name)) is int]
        if counts:
            found[key] = serialize.attribute(counts[0])
    return found


def _cost(details: Any) -> Attributes:
    as_map = dict(details) if isinstance(details, Mapping) else {"total": float(details)}
    return {semconv.COST_DETAILS: json.dumps(as_map, default=float)}


def _text(key: str) -> Callable[[Any], Attributes]:
    return lambda value: {key: serialize.text(value)}


_TOKENS: Final = {
    semconv.INPUT_TOKENS: ("input", "input_tokens", "prompt_tokens"),
    semconv.OUTPUT_TOKENS: ("output", "output_tokens", "completion_tokens"),
}
_CONTENTS: Final = {"input": semconv.OBSERVATION_INPUT, "output": semconv.OBSERVATION_OUTPUT}
_CONVERT: Final[Mapping[str, Callable[[Any], Attributes]]] = {
    "metadata": lambda value: serialize.metadata(semconv.OBSERVATION_METADATA, value),
    "version": _text(semconv.TRACE_VERSION),
    "level": _text(semconv.OBSERVATION_LEVEL),
    "status_message": _text(semconv.OBSERVATION_STATUS_MESSAGE),
    "model": _text(semconv.REQUEST_MODEL),
    "model_parameters": _text(semconv.MODEL_PARAMETERS),
    "usage": _usage,
    "usage_details": _usage,
    "cost": _cost,
    "cost_details": _cost,
    "completion_start_time": lambda value: {semconv.COMPLETION_START_TIME: value.isoformat()},
    "prompt": prompt,
}

"""Observations: spans that can be updated, nested and scored. The names are those of Langfuse's Python SDK 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, Unpack

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import INVALID_SPAN, Span, Status, StatusCode, set_span_in_context

from otel_sessions import semconv
from otel_sessions.sdk import claiming, content, failing, fields, providers, scoring
from otel_sessions.sdk.content import MAX_NAME
from otel_sessions.sdk.quietly import Quietly

_starting = Quietly("starting an observation")
_updating = Quietly("updating an observation")
_ending = Quietly("ending an observation")


class Starting:
    """Starts observations below a context: the current one, or that of an observation. Nothing it does raises.

    Those with `current` in their name are context managers: the observation is the current span inside, and ends with
    it unless `end_on_exit=False`; an exception is recorded and goes on. The others are ended by `end()`.
    """

    __slots__ = ()

    def start_span(self, *, name: str, **more: Unpack[fields.Fields]) -> Observation:
        return self.start_observation(name=name, **more)

    def start_generation(self, *, name: str, **more: Unpack[fields.Fields]) -> Observation:
        return self.start_observation(name=name, as_type="generation", **more)

    def start_observation(
        self, *, name: str, as_type: fields.Kind = "span", **more: Unpack[fields.Fields]
    ) -> Observation:
        return _started(self._parent(), name, as_type, more)

    @contextmanager
    def start_as_current_span(
        self, *, name: str, end_on_exit: bool = True, **more: Unpack[fields.Fields]
    ) -> Iterator[Observation]:
        with _current(_started(self._parent(), name, "span", more), end_on_exit) as observation:
            yield observation

    @contextmanager
    def start_as_current_generation(
        self, *, name: str, end_on_exit: bool = True, **more: Unpack[fields.Fields]
    ) -> Iterator[Observation]:
        with _current(_started(self._parent(), name, "generation", more), end_on_exit) as observation:
            yield observation

    @contextmanager
    def start_as_current_observation(
        self, *, name: str, as_type: fields.Kind = "span", end_on_exit: bool = True, **more: Unpack[fields.Fields]
    ) -> Iterator[Observation]:
        with _current(_started(self._parent(), name, as_type, more), end_on_exit) as observation:
            yield observation

    def create_event(self, *, name: str, **more: Unpack[fields.Fields]) -> Observation:
        """An observation without duration."""
        observation = _started(self._parent(), name, "event", more)
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

    def update(self, *, name: str | None = None, **more: Unpack[fields.Fields]) -> Self:
        """Says more of the observation; what is None stays as it is."""
        with _updating:
            if name is not None and self.otel_span.is_recording():
                self.otel_span.update_name(content.words(name, MAX_NAME))
            _write(self.otel_span, more)
        return self

    def update_trace(self, **more: Unpack[fields.TraceFields]) -> Self:
        """Says more of its whole trace, as `update_current_trace` does."""
        claiming.update(self.otel_span, more)
        return self

    def score(self, *, name: str, value: float | str | bool, **more: Unpack[scoring.ScoreFields]) -> None:
        """Scores this observation."""
        scoring.send(name, value, more, trace_id=self.trace_id, observation_id=self.id)

    def score_trace(self, *, name: str, value: float | str | bool, **more: Unpack[scoring.ScoreFields]) -> None:
        """Scores its trace."""
        scoring.send(name, value, more, trace_id=self.trace_id)

    def end(self, *, end_time: int | None = None) -> Self:
        """Ends it, now or at `end_time` (ns since 1970)."""
        with _ending:
            self.otel_span.end(end_time)
        return self

    def _parent(self) -> Context | None:
        return set_span_in_context(self.otel_span, self._context)


def _started(parent: Context | None, name: str, kind: str, more: Mapping[str, Any]) -> Observation:
    with _starting:
        span = providers.tracer().start_span(content.words(name, MAX_NAME), parent)
        with _updating:
            if kind != "span":
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
            failing.record(observation.otel_span, error)
        raise
    finally:
        detach(token)
        if end_on_exit:
            observation.end()


def _write(span: Span, more: Mapping[str, Any]) -> None:
    if not more or not span.is_recording():
        return
    for key, value in fields.observation(more).items():
        span.set_attribute(key, value)
    if more.get("level") == "ERROR":
        message = more.get("status_message")
        span.set_status(Status(StatusCode.ERROR, None if message is None else content.words(message)))

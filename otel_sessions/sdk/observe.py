# SPDX-License-Identifier: Apache-2.0
"""`observe`: a span a call, with what went in and what came out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast, overload

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

from otel_sessions import semconv
from otel_sessions.sdk import serialize, wrap
from otel_sessions.sdk.client import Kind, check_kind, record_error
from otel_sessions.sdk.configure import is_off, tracer
from otel_sessions.sdk.processor import Attributes
from otel_sessions.sdk.safely import Safely

F = TypeVar("F", bound=Callable[..., Any])
_starting = Safely("starting an observed call")
_ending = Safely("ending an observed call")
_OWNERS: Final = frozenset({"self", "cls"})
_MAX_ITEMS: Final = 1000
_SWITCHES: Final = ("OTEL_SESSIONS_CAPTURE_CONTENT", "LANGFUSE_OBSERVE_DECORATOR_IO_CAPTURE_ENABLED")


@overload
def observe(function: F, /) -> F: ...
@overload
def observe(
    *,
    name: str | None = None,
    as_type: Kind | None = None,
    model: str | None = None,
    capture_input: bool | None = None,
    capture_output: bool | None = None,
    redact: serialize.Redact | None = None,
    max_chars: int = serialize.MAX_CHARS,
) -> Callable[[F], F]: ...
def observe(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    as_type: Kind | None = None,
    model: str | None = None,
    capture_input: bool | None = None,
    capture_output: bool | None = None,
    redact: serialize.Redact | None = None,
    max_chars: int = serialize.MAX_CHARS,
) -> F | Callable[[F], F]:
    """`@observe` or `@observe(...)`: each call of the function is a span of its name, current inside it.

    Arguments (without `self`) and result become its input and output, as JSON of about `max_chars` characters; not with
    `capture_input=False`, `capture_output=False` or `OTEL_SESSIONS_CAPTURE_CONTENT=false`. `redact` sees each before it
    is written, in the place of `configure`'s. With `as_type="generation"` it counts as a call of a model; say more by
    `get_client().update_current_generation(model=..., usage_details=..., cost_details=...)`.

    Works on functions, coroutines, generators and asynchronous generators; the span of a generator is open from its
    first step until it is exhausted or closed, below the span that was current at the call. An exception is recorded
    and goes on. A call that is not sampled costs no capture. Never raises anything of its own.
    """
    enabled = not any(map(is_off, _SWITCHES))
    if as_type is not None:
        check_kind(as_type)
    said = {semconv.OBSERVATION_TYPE: as_type, semconv.REQUEST_MODEL: model}
    recipe = _Recipe(
        name=name,
        attributes={key: value for key, value in said.items() if value is not None},
        capture_input=enabled if capture_input is None else capture_input,
        capture_output=enabled if capture_output is None else capture_output,
        redact=redact,
        max_chars=max_chars,
    )
    return recipe.decorate(function) if function is not None else recipe.decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """What `observe` was told."""

    name: str | None
    attributes: Attributes
    capture_input: bool
    capture_output: bool
    redact: serialize.Redact | None
    max_chars: int

    def decorate(self, function: F) -> F:
        return cast(F, wrap.wrap(function, lambda inner: _Calls(inner, self).watch))


class _Calls:
    """The calls of one function."""

    def __init__(self, function: Callable[..., Any], recipe: _Recipe) -> None:
        self._recipe = recipe
        self._name = serialize.words(
            recipe.name or getattr(function, "__name__", type(function).__name__), serialize.MAX_NAME
        )
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self._parameters: tuple[str, ...] = ()
        """The names of those that take positional arguments."""
        with suppress(Exception):  # built-ins have no signature, and an application's class may do anything
            parameters = inspect.signature(function).parameters.values()
            self._parameters = tuple(each.name for each in parameters if each.kind in kinds)
        self._is_method = bool(self._parameters) and self._parameters[0] in _OWNERS

    def watch(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Run:
        return _Run(self, args, kwargs)

    def start(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], context: Context) -> Span:
        """The span of a call, not yet current; one that records nothing if that fails."""
        with _starting:
            span = tracer().start_span(self._name, context)
            if span.is_recording():
                for key, value in self._recipe.attributes.items():
                    span.set_attribute(key, value)
                if self._recipe.capture_input:
                    # the arguments by the names of their parameters; those of `*args` together
                    first = 1 if self._is_method else 0
                    named = dict(zip(self._parameters[first:], args[first:], strict=False))
                    if len(args) > len(self._parameters):
                        named["args"] = args[len(self._parameters) :]
                    named.update(kwargs)
                    if named:
                        self._write(span, semconv.OBSERVATION_INPUT, named)
            return span
        return INVALID_SPAN

    def record_result(self, span: Span, result: Any) -> None:
        with _ending:
            if self._recipe.capture_output and result is not None and span.is_recording():
                self._write(span, semconv.OBSERVATION_OUTPUT, result)

    def record_error(self, span: Span, error: BaseException) -> None:
        with _ending:
            record_error(span, error)

    def end(self, span: Span) -> None:
        with _ending:
            span.end()

    def _write(self, span: Span, key: str, value: Any) -> None:
        serialize.write(span, key, value, self._recipe.max_chars, self._recipe.redact)


class _Run:
    """One call; the context is that of the call, also for a generator that begins later."""

    __slots__ = ("_call", "_calls", "_context", "_items", "_span")

    def __init__(self, calls: _Calls, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._calls = calls
        self._call = (args, kwargs)
        self._context = get_current()
        self._items: list[Any] = []
        self._span: Span = INVALID_SPAN

    def start(self) -> Context:
        self._span = self._calls.start(*self._call, self._context)
        return set_span_in_context(self._span, self._context)

    def see_item(self, item: Any) -> None:
        if len(self._items) < _MAX_ITEMS and self._span.is_recording():
            self._items.append(item)

    def see_result(self, result: Any) -> None:
        self._calls.record_result(self._span, result)

    def see_error(self, error: BaseException) -> None:
        self._calls.record_error(self._span, error)

    def end(self) -> None:
        if self._items:
            streamed = all(type(item) is str for item in self._items)  # pieces of one text, as of a model
            self._calls.record_result(self._span, "".join(self._items) if streamed else self._items)
        self._calls.end(self._span)

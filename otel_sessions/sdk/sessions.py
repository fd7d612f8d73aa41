"""`session`: every span started inside belongs to it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from opentelemetry import baggage as w3c
from opentelemetry.context import Context, attach, detach, get_current, set_value

from otel_sessions import semconv
from otel_sessions.sdk import state, steps
from otel_sessions.sdk.quietly import Quietly, logger

F = TypeVar("F", bound=Callable[..., Any])
_entering = Quietly("entering a session")


class session:  # noqa: N801 - reads as a verb: `with session("id"):`
    """`with session("id"):`, `async with`, or `@session("id")` on functions, coroutines and generators.

    Spans started inside carry the id, and the user, tags and metadata if given; of nested sessions the inner one
    counts, whole, and the outer one is back afterwards. Tasks started inside belong to it; threads do if they run
    in a copy of the context. What is no id (None, white space, over 8,192 bytes) changes nothing.

    With `baggage=True` the id, and nothing else, travels in W3C baggage to whatever is called, third parties included.
    Never raises. As a decorator it may be entered any number of times at once, as a context manager by one thread or
    task at a time.
    """

    __slots__ = ("_baggage", "_stamp", "_tokens")

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
        self._tokens: list[Token[Context]] = []
        self._stamp: state.Attributes = {}
        with Quietly("reading a session"):
            found = state.attributes_of(session_id, user_id, tags, metadata)
            if semconv.SESSION_ID in found:
                self._stamp = found
            elif session_id is not None:
                logger.warning("this is no session id, so spans go without: %.80r", session_id)

    def __enter__(self) -> Self:
        self._tokens.append(attach(self._context()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._tokens:
            detach(self._tokens.pop())

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F, /) -> F:
        return cast(F, _wrapped(function, self._context))

    def _context(self) -> Context:
        """The current context with this session."""
        context = get_current()
        if self._stamp:
            with _entering:
                context = set_value(state.KEY, state.stamp(self._stamp), context)
                if self._baggage:
                    context = w3c.set_baggage(semconv.SESSION_ID, self._stamp[semconv.SESSION_ID], context)
        return context


def _wrapped(function: Callable[..., Any], context: Callable[[], Context]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            token = attach(context())
            try:
                return await function(*args, **kwargs)
            finally:
                detach(token)

        return run_async
    if inspect.isgeneratorfunction(function):
        return functools.wraps(function)(
            lambda *args, **kwargs: steps.generator(function(*args, **kwargs), steps.Inside(context()))
        )
    if inspect.isasyncgenfunction(function):
        return functools.wraps(function)(
            lambda *args, **kwargs: steps.async_generator(function(*args, **kwargs), steps.Inside(context()))
        )

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        token = attach(context())
        try:
            return function(*args, **kwargs)
        finally:
            detach(token)

    return run

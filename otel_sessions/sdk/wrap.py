# SPDX-License-Identifier: Apache-2.0
"""Decorated callables of any kind: each run is watched, in a context of its own.

The steps of a generator run in that context too, and leave the consumer's alone between them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from opentelemetry.context import Context, attach, detach, get_current

Function = Callable[..., Any]


class Watcher(Protocol):
    """Is told of one run. None of its methods may raise."""

    def start(self) -> Context:
        """The context to run in; the later steps of a generator have the one the step before left."""
        ...

    def see_item(self, item: Any) -> None: ...

    def see_result(self, result: Any) -> None:
        """Of all but generators."""
        ...

    def see_error(self, error: BaseException) -> None: ...

    def end(self) -> None:
        """Once, after all else: it has returned or raised, is exhausted or closed."""
        ...


class Inside:
    """A watcher that gives a run its context, and sees nothing of it."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self) -> Context:
        return self._context

    def see_item(self, item: Any) -> None:
        pass

    def see_result(self, result: Any) -> None:
        pass

    def see_error(self, error: BaseException) -> None:
        pass

    def end(self) -> None:
        pass


Watch = Callable[[tuple[Any, ...], Mapping[str, Any]], Watcher]
"""Called with the arguments when the function is called; a generator begins later, if ever."""


def wrap(function: Any, watch_of: Callable[[Function], Watch]) -> Any:
    """A callable that behaves as `function`, and is of the same kind; static and class methods included."""
    for method in (staticmethod, classmethod):
        if isinstance(function, method):
            return method(wrap(function.__func__, watch_of))
    wrapper = _kind(function)
    run = functools.wraps(function)(wrapper(function, watch_of(function)))
    if wrapper in {_generator, _async_generator}:
        _GENERATORS[run] = wrapper
    return run


def _kind(function: Any) -> Callable[[Function, Watch], Function]:
    """How to wrap it: by what it is, or by what the objects of its class do when they are called."""
    if known := _known(function):
        return known
    for called in (function, type(function).__call__):
        if inspect.iscoroutinefunction(called):
            return _coroutine
        if inspect.isgeneratorfunction(called):
            return _generator
        if inspect.isasyncgenfunction(called):
            return _async_generator
    return _plain


def _plain(function: Function, watch: Watch) -> Function:
    def run(*args: Any, **kwargs: Any) -> Any:
        watcher = watch(args, kwargs)
        token = attach(watcher.start())
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            watcher.see_error(error)
            raise
        else:
            watcher.see_result(result)
            return result
        finally:
            detach(token)
            watcher.end()

    return run


def _coroutine(function: Function, watch: Watch) -> Function:
    async def run(*args: Any, **kwargs: Any) -> Any:
        watcher = watch(args, kwargs)
        token = attach(watcher.start())
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            watcher.see_error(error)
            raise
        else:
            watcher.see_result(result)
            return result
        finally:
            detach(token)
            watcher.end()

    return run


def _generator(function: Function, watch: Watch) -> Function:
    return lambda *args, **kwargs: generator(_begun(function, args, kwargs), watch(args, kwargs))


def _async_generator(function: Function, watch: Watch) -> Function:
    return lambda *args, **kwargs: async_generator(_begun(function, args, kwargs), watch(args, kwargs))


def _begun(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[], Any]:
    """The inner generator, made by the call so that wrong arguments fail there. One that was wrapped here takes the
    context of its call, and so is called in the first step."""
    if _known(function):
        return functools.partial(function, *args, **kwargs)
    inner = function(*args, **kwargs)
    return lambda: inner


def _known(function: Function) -> Callable[[Function, Watch], Function] | None:
    return _GENERATORS.get(getattr(function, "__func__", function)) if inspect.isroutine(function) else None


_GENERATORS: Final[WeakKeyDictionary[Function, Callable[[Function, Watch], Function]]] = WeakKeyDictionary()
"""What was wrapped here, since `inspect` no longer sees its kind: the context is taken at the call, not at a step."""


def generator(begin: Callable[[], Generator[Any, Any, Any]], watcher: Watcher) -> Generator[Any, Any, Any]:
    """What the generator that `begin` makes yields and returns; `send`, `throw` and `close` reach it."""
    context = watcher.start()
    try:
        inner = _in(context, begin)
        resume, sent = inner.send, None
        while True:
            token = attach(context)
            try:
                item = resume(sent)
            except StopIteration as stop:
                return stop.value
            finally:
                context = get_current()
                detach(token)
            watcher.see_item(item)
            try:
                resume, sent = inner.send, (yield item)
            except GeneratorExit:
                _in(context, inner.close)
                raise
            except BaseException as thrown:  # noqa: BLE001 - it is the inner generator's to handle
                resume, sent = inner.throw, thrown
    except GeneratorExit:
        raise
    except BaseException as error:
        watcher.see_error(error)
        raise
    finally:
        watcher.end()


async def async_generator(begin: Callable[[], AsyncGenerator[Any, Any]], watcher: Watcher) -> AsyncGenerator[Any, Any]:
    """The same with `asend`, `athrow` and `aclose`."""
    context = watcher.start()
    try:
        inner = _in(context, begin)
        resume, sent = inner.asend, None
        while True:
            token = attach(context)
            try:
                item = await resume(sent)
            except StopAsyncIteration:
                return
            finally:
                context = get_current()
                detach(token)
            watcher.see_item(item)
            try:
                resume, sent = inner.asend, (yield item)
            except GeneratorExit:
                token = attach(context)
                try:
                    await inner.aclose()
                finally:
                    detach(token)
                raise
            except BaseException as thrown:  # noqa: BLE001 - it is the inner generator's to handle
                resume, sent = inner.athrow, thrown
    except GeneratorExit:
        raise
    except BaseException as error:
        watcher.see_error(error)
        raise
    finally:
        watcher.end()


def _in(context: Context, act: Callable[[], Any]) -> Any:
    token = attach(context)
    try:
        return act()
    finally:
        detach(token)

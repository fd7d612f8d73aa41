"""Generators that run each of their steps in a context of their own, and leave the consumer's alone between them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, Protocol

from opentelemetry.context import Context, attach, detach, get_current


class Watcher(Protocol):
    """Is told of one run of a generator. None of its methods may raise."""

    def started(self) -> Context:
        """The context of the first step; later steps have the one the step before left."""
        ...

    def yielded(self, item: Any) -> None: ...

    def ended(self, error: BaseException | None) -> None:
        """Once, when it is exhausted or closed (None), or has raised."""
        ...


class Inside:
    """Only the context."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def started(self) -> Context:
        return self._context

    def yielded(self, item: Any) -> None:
        pass

    def ended(self, error: BaseException | None) -> None:
        pass


def generator(inner: Generator[Any, Any, Any], watcher: Watcher) -> Generator[Any, Any, Any]:
    """What `inner` yields and returns; `send`, `throw` and `close` reach it."""
    context = watcher.started()
    resume, sent, error = inner.send, None, None
    try:
        while True:
            token = attach(context)
            try:
                item = resume(sent)
            except StopIteration as stop:
                return stop.value
            finally:
                context = get_current()
                detach(token)
            watcher.yielded(item)
            try:
                resume, sent = inner.send, (yield item)
            except GeneratorExit:
                _close(inner, context)
                raise
            except BaseException as thrown:  # noqa: BLE001 - it is the inner generator's to handle
                resume, sent = inner.throw, thrown
    except GeneratorExit:
        raise
    except BaseException as raised:
        error = raised
        raise
    finally:
        watcher.ended(error)


async def async_generator(inner: AsyncGenerator[Any, Any], watcher: Watcher) -> AsyncGenerator[Any, Any]:
    """The same with `asend`, `athrow` and `aclose`."""
    context = watcher.started()
    resume, sent, error = inner.asend, None, None
    try:
        while True:
            token = attach(context)
            try:
                item = await resume(sent)
            except StopAsyncIteration:
                return
            finally:
                context = get_current()
                detach(token)
            watcher.yielded(item)
            try:
                resume, sent = inner.asend, (yield item)
            except GeneratorExit:
                await _aclose(inner, context)
                raise
            except BaseException as thrown:  # noqa: BLE001 - it is the inner generator's to handle
                resume, sent = inner.athrow, thrown
    except GeneratorExit:
        raise
    except BaseException as raised:
        error = raised
        raise
    finally:
        watcher.ended(error)


def _close(inner: Generator[Any, Any, Any], context: Context) -> None:
    token = attach(context)
    try:
        inner.close()
    finally:
        detach(token)


async def _aclose(inner: AsyncGenerator[Any, Any], context: Context) -> None:
    token = attach(context)
    try:
        await inner.aclose()
    finally:
        detach(token)

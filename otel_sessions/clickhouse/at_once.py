# SPDX-License-Identifier: Apache-2.0
"""Statements that do not wait for each other, run at once: most of a short read is its plan, which one thread makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakKeyDictionary

if TYPE_CHECKING:  # commands that ask a running service load neither
    from concurrent.futures import Future

    from otel_sessions.clickhouse.surface import Client


class Threads(Protocol):
    """Runs work beside a client, on a thread and with a client of its own. Raises RuntimeError once it is closed."""

    def beside(self, work: Callable[[Client], Any]) -> Future[Any]: ...


_THREADS: Final[WeakKeyDictionary[Client, Threads]] = WeakKeyDictionary()


def lend(client: Client, threads: Threads) -> None:
    """Has `at_once` run on these threads what does not wait for this client."""
    _THREADS[client] = threads


def owner_of(client: Client) -> object:
    """Whose threads were lent to a client, which then has others of the same engine; else the client itself."""
    return _THREADS.get(client, client)


def at_once(client: Client, *works: Callable[[Client], Any]) -> list[Any]:
    """What each of these returns that do not wait for each other.

    The first runs with this client, the others beside it on threads that were lent to it and that nobody needs, else
    after it. All have ended when this returns or raises what the first of those that failed has raised, but for Ctrl-C,
    which waits for none.
    """
    threads = _THREADS.get(client)
    if threads is None or len(works) < 2:
        return [work(client) for work in works]
    from concurrent.futures import wait  # noqa: PLC0415

    first, *others = works
    try:
        begun = [threads.beside(work) for work in others]
    except RuntimeError:  # the service stops
        return [work(client) for work in works]
    try:
        found = [first(client)]
        for work, one in zip(others, begun, strict=True):
            found.append(work(client) if one.cancel() else one.result())
    except Exception:
        wait([one for one in begun if not one.cancel()])
        raise
    return found

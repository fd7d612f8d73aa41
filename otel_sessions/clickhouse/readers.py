# SPDX-License-Identifier: Apache-2.0
"""Clients that read from the embedded engine, each statement in a place that it takes, as often as it is tried.

How much a statement may have goes by what is resident: the service is to stay below 1 GiB, whatever comes in meanwhile.
Who has got a large answer keeps room for what is made of it until the client is given back (`connection.Pool`). Of a
ClickHouse in another process none of this is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.clickhouse.attempts import (
    ALWAYS,
    LARGEST_ANSWER,
    LITTLE_ANSWER,
    MEMORY,
    MOST,
    NEEDY,
    RESULT,
    Attempt,
    attempts_at,
    granted,
)
from otel_sessions.clickhouse.piped import piped
from otel_sessions.clickhouse.places import BEGUN_WAIT_S, LANES, LARGEST, LITTLE, WAIT_S, Busy, Lanes, Places
from otel_sessions.clickhouse.sql import statement
from otel_sessions.clickhouse.surface import Front
from otel_sessions.footprint import give_back, resident, when_sent

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_RESIDENT: Final = 896 << 20
"""Bytes that may be resident with a statement that needs much; those who need little come on top."""
_LARGE_ANSWER: Final = 1 << 20
_Ask = Callable[[dict[str, Any], int], bytes]
"""Runs a statement with settings, of which the answer has so many bytes at most."""
_TIMES: Final = 3
"""How many times its size an answer takes while it is made into another."""


class Reader(Front):
    """What `surface.Client` says; `open_` makes the client behind it, `plain` one that may do more.

    A statement has at most `largest` bytes, by default what is left for it, and its answer `largest_answer`.
    """

    behind: Client

    def __init__(
        self,
        open_: Callable[[], Client],
        plain: Callable[[], Client],
        largest: int | None = None,
        largest_answer: int = LARGEST_ANSWER,
        lanes: Lanes = LANES,
    ) -> None:
        self._open = open_
        self._plain = plain
        self._largest = largest
        self._largest_answer = largest_answer
        self._little = min(LITTLE, largest or LITTLE)
        self._lanes = lanes
        self._kept = dict[Places, int]()  # for what is made of answers
        self._had = 0
        self._has_begun = False
        self._bounds = {**ALWAYS, MEMORY: self._little, RESULT: min(LITTLE_ANSWER, largest_answer)}
        super().__init__(self._opened())

    @property
    def database(self) -> str | None:
        return self.behind.database

    @database.setter
    def database(self, name: str | None) -> None:
        self.behind.database = name

    def raw_query(
        self, query: str, parameters: Any = None, settings: dict[str, Any] | None = None, fmt: str | None = None
    ) -> bytes:
        """As the client's. Raises `Busy` where there is no place in `WAIT_S` seconds, or where the service has less
        left than a statement has in one that nobody else uses, and that is too little.
        """

        def ask(chosen: dict[str, Any], _: int) -> bytes:
            return self.behind.raw_query(query, parameters, settings=chosen, fmt=fmt)

        return self._tried(ask, query, parameters, settings or {})

    def foreign_query(
        self,
        query: str,
        at: int,
        parameters: Any = None,
        settings: dict[str, Any] | None = None,
        fmt: str | None = None,
    ) -> bytes:
        """As `raw_query`, for a SELECT that others write: its FORMAT, or what else is of all of it, begins `at` one.

        Raises the engine's error where the answer has more bytes than one may have, see `piped`.
        """

        def ask(chosen: dict[str, Any], most: int) -> bytes:
            def into(path: str) -> bytes:
                sql = f"{query[:at]} INTO OUTFILE '{path}' APPEND {query[at:]}"
                return self.behind.raw_query(sql, parameters, settings=chosen, fmt=fmt)

            return piped(into, most, self._end)

        return self._tried(ask, query, parameters, settings or {})

    def _tried(self, ask: _Ask, query: str, parameters: Any, wanted: Mapping[str, Any]) -> bytes:
        *attempts, last = attempts_at(query, parameters, wanted)
        for attempt in attempts:
            try:
                return self._attempt(attempt, ask, wanted)
            except Exception as error:
                if not attempt.is_short(error):
                    raise
                self._reopen()
                NEEDY.note(query, parameters)
        try:
            return self._attempt(last, ask, wanted)
        except Exception as error:
            if last.is_short(error) and self._had < granted(wanted, self._largest or MOST):
                raise Busy(self._had) from error
            raise

    def _attempt(self, attempt: Attempt, ask: _Ask, wanted: Mapping[str, Any]) -> bytes:
        with self._place(self._little if attempt.is_little else LARGEST, is_little=attempt.is_little) as place:
            self._had = self._little if attempt.is_little else self._most()
            chosen = attempt.chosen(wanted, self._had, self._largest_answer)
            # each setting of a call is a statement before and one behind it
            chosen = {name: value for name, value in chosen.items() if self._bounds.get(name) != value}
            return place.note(ask(chosen, attempt.answer(self._largest_answer)))

    def command(self, cmd: str, parameters: Any = None, *, settings: dict[str, Any] | None = None) -> Any:
        """As the client's. What changes something is not tried twice: it may take all that a statement may."""
        with self._place(self._little, is_little=True):
            return self.behind.command(cmd, parameters, settings=self._at_once(settings))

    def raw_insert(
        self,
        table: str,
        column_names: Any = None,
        insert_block: Any = None,
        settings: dict[str, Any] | None = None,
        fmt: str | None = None,
    ) -> Any:
        """As the client's; the rest as of `command`."""
        with self._place(self._little, is_little=True):
            return self.behind.raw_insert(table, column_names, insert_block, self._at_once(settings), fmt)

    def settle(self, *, has_begun: bool = False) -> None:
        """Gives back what was kept, when what was made of the answers has been sent.

        Where an answer `has_begun` to go out, what is read for the rest of it waits for longer.
        """
        self._has_begun = has_begun
        kept, self._kept = self._kept, {}
        for places, nbytes in kept.items():
            when_sent(partial(places.give_back, nbytes))

    def _at_once(self, wanted: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**(wanted or {}), MEMORY: self._largest or LARGEST}

    def _most(self) -> int:
        if self._largest:
            return self._largest
        if _RESIDENT - resident() < MOST:
            self._give_back()
        return max(LARGEST, min(MOST, _RESIDENT - resident()))

    def _give_back(self) -> None:
        """Gives back what the process and the engine keep of memory that is free."""
        give_back()
        self._run_beside("SYSTEM JEMALLOC PURGE")

    def _end(self, path: str) -> None:
        """Ends the statement that writes to this path: the engine would go on without a reader."""
        self._run_beside(statement(__package__, "end_writing"), {"into": f"INTO OUTFILE '{path}'"})

    def _run_beside(self, cmd: str, parameters: Any = None) -> None:
        client = self._plain()
        try:
            client.command(cmd, parameters)
        finally:
            client.close()

    @contextmanager
    def _place(self, nbytes: int, *, is_little: bool) -> Iterator[_Place]:
        places = self._lanes.little if is_little else self._lanes.large
        # who keeps some goes on with little: it would wait for others, and they for it
        wanted = nbytes - self._kept.get(places, 0) if not (is_little and self._kept) else 0
        taken = min(max(wanted, 0), LARGEST)
        wait_s = BEGUN_WAIT_S if self._has_begun else WAIT_S
        places.take(taken, wait_s, is_first=places in self._kept, has_begun=self._has_begun)
        place = _Place()
        try:
            yield place
        finally:
            kept = min(max(place.needed - sum(self._kept.values()), 0), taken)
            if kept:
                self._kept[places] = self._kept.get(places, 0) + kept
            places.give_back(taken - kept)

    def _reopen(self) -> None:
        """Takes another client: chDB keeps what a query that failed had written for the next on its connection."""
        database = self.database
        self.behind.close()
        self.behind = self._opened()
        self.database = database

    def _opened(self) -> Client:
        client = self._open()
        for name, value in self._bounds.items():
            client.set_client_setting(name, value)
        return client


class _Place:
    """What a statement has taken, and what is `needed` of it afterwards."""

    needed = 0

    def note(self, answer: bytes) -> bytes:
        """Notes how much has to be kept for an answer."""
        if len(answer) > _LARGE_ANSWER:
            self.needed = min(_TIMES * len(answer), LARGEST)
        return answer


def settle(client: object, *, has_begun: bool = False) -> None:
    """Says that what was read with this client is with others now, or done with; see `Reader.settle`."""
    if isinstance(client, Reader):
        client.settle(has_begun=has_begun)

# SPDX-License-Identifier: Apache-2.0
"""What all who read from the embedded engine may take of memory together, whichever listener they came by.

A statement is tried with little memory, as many at a time as there are places for. One that needs more is asked again
with all that a statement may have, one of these at a time, and at last by one thread and in small blocks: few may wait
for that, and none who needs little waits for them. How much that is goes by what is resident: the service is to stay
below 1 GiB, whatever comes in meanwhile. Who has got a large answer keeps room for what is made of it until the client
is given back (`connection.Pool`). Of a ClickHouse in another process none of this is asked.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from otel_sessions.clickhouse.errors import code_of
from otel_sessions.errors import Retryable
from otel_sessions.footprint import give_back, resident
from otel_sessions.http.answers import when_sent

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

LARGEST: Final = 192 << 20
"""Bytes that one statement may take at any time."""
MOST: Final = 512 << 20
"""The same while there is so much left below `_RESIDENT`."""
_RESIDENT: Final = 896 << 20
"""What may be resident with it; those who need little come on top."""
LITTLE: Final = 64 << 20
"""Bytes with which it is tried first."""
LARGEST_ANSWER: Final = 96 << 20
LITTLE_ANSWER: Final = 8 << 20
"""The same of an answer, which the engine does not count among what a statement takes."""
LITTLE_TOGETHER: Final = 2 * LITTLE
WAITING: Final = 4
"""Statements that need much and may wait for their turn: each has a thread that others lack."""
WAIT_S: Final = 20.0
"""How long a statement waits for its turn, before its client is told to come back."""
_REMEMBERED_S: Final = 60.0
_MOST_REMEMBERED: Final = 1_000
_LARGE_ANSWER: Final = 1 << 20
_TIMES: Final = 3
"""How many times its size an answer takes while it is made into another."""
_RESULT_LIMIT: Final = 396
_TOO_LITTLE: Final = frozenset({241, _RESULT_LIMIT})
_RESULT: Final = "max_result_bytes"
_MEMORY: Final = "max_memory_usage"
_BY_DISK: Final = ("max_bytes_before_external_group_by", "max_bytes_before_external_sort")
_SETTINGS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("max_bytes_ratio_before_external_group_by", "max_bytes_ratio_before_external_sort"), 0),
    "output_format_parallel_formatting": 0,  # it has several blocks of texts at a time
}

_ENDS_EARLY: Final = "result_overflow_mode = 'break'"
"""In a page of texts, of which those that do not fit are read next: in more blocks at a time they are read in vain."""
_WITH_LITTLE: Final[Mapping[str, int]] = {}
_WITH_MUCH: Final[Mapping[str, int]] = dict.fromkeys(_BY_DISK, 0)
_SPILLING: Final[Mapping[str, int]] = {"max_threads": 2}
"""Of what is more than half of it the engine writes to its disk, which takes several times the CPU."""
_FRUGAL: Final[Mapping[str, int]] = {"max_threads": 1, "max_block_size": 256}
"""For rows of tens of megabytes: one after the other."""


class Busy(Retryable):
    """What others read leaves nothing to read with."""

    def __init__(self) -> None:
        super().__init__(
            "what others read takes the memory that all who read have (max_memory_usage); ask again, or for less: a"
            " smaller page (limit), fewer members or columns, shorter texts (preview)",
            retry_after=2.0,
        )


class Places:
    """So many bytes, for who comes first; `waiting` may stand in line, 0 for any number. Any thread may call."""

    def __init__(self, nbytes: int, waiting: int = 0) -> None:
        self._free = nbytes
        self._waiting = waiting
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, nbytes: int, timeout: float) -> None:
        """Raises `Busy` where there are not so many in `timeout` seconds, or too many wait for them."""
        me, end = object(), time.monotonic() + timeout
        with self._changed:
            if self._waiting and len(self._line) >= self._waiting:
                raise Busy
            self._line.append(me)
            try:
                while self._line[0] is not me or self._free < nbytes:
                    if not self._changed.wait(end - time.monotonic()):
                        raise Busy
                self._free -= nbytes
            finally:
                self._line.remove(me)
                self._changed.notify_all()

    def give_back(self, nbytes: int) -> None:
        with self._changed:
            self._free += nbytes
            self._changed.notify_all()


class _Needy:
    """Statements, by their texts, that little was not enough for of late: they are not tried with it in vain again."""

    def __init__(self) -> None:
        self._until: OrderedDict[int, float] = OrderedDict()
        self._using = threading.Lock()

    def note(self, query: str) -> None:
        with self._using:
            self._until[hash(query)] = time.monotonic() + _REMEMBERED_S
            self._until.move_to_end(hash(query))
            if len(self._until) > _MOST_REMEMBERED:
                self._until.popitem(last=False)

    def has(self, query: str) -> bool:
        with self._using:
            return self._until.get(hash(query), 0.0) > time.monotonic()


_NEEDY: Final = _Needy()


@dataclass(frozen=True, slots=True)
class Lanes:
    """Places for statements that need little, and for those that need much."""

    little: Places
    large: Places


_LANES: Final = Lanes(Places(LITTLE_TOGETHER), Places(LARGEST, WAITING))


class Reader:
    """A client whose statements have their places; `open_` makes the client behind it, `plain` one that may do more.

    A statement has at most `largest` bytes, by default what is left for it, and its answer `largest_answer`.
    """

    def __init__(
        self,
        open_: Callable[[], Client],
        plain: Callable[[], Client],
        largest: int | None,
        largest_answer: int,
        lanes: Lanes = _LANES,
    ) -> None:
        self._open = open_
        self._plain = plain
        self._largest = largest
        self._largest_answer = largest_answer
        self._little = {_MEMORY: min(LITTLE, largest or LITTLE), _RESULT: min(LITTLE_ANSWER, largest_answer)}
        self._lanes = lanes
        self._kept = dict[Places, int]()  # for what is made of answers
        self._client = self._opened()

    @property
    def database(self) -> str | None:
        return self._client.database

    @database.setter
    def database(self, name: str | None) -> None:
        self._client.database = name

    def raw_query(
        self, query: str, parameters: Any = None, settings: Mapping[str, Any] | None = None, **more: Any
    ) -> bytes:
        """As the client's. Raises `Busy` where there is no place in `WAIT_S` seconds."""
        wanted = dict(settings or {})
        *attempts, last = self._attempts(query, wanted)
        for attempt in attempts:
            try:
                return self._attempt(attempt, query, parameters, wanted, more)
            except Exception as error:
                code = code_of(error)
                if code not in _TOO_LITTLE or (code == _RESULT_LIMIT and attempt is not _WITH_LITTLE):
                    raise
                self._reopen()
                _NEEDY.note(query)
        return self._attempt(last, query, parameters, wanted, more)

    def _attempts(self, query: str, wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """With which settings to try a statement; once less where it says how much it may have."""
        ends_early = _ENDS_EARLY in query
        is_large = _MEMORY in wanted or (_NEEDY.has(query) and not ends_early)
        return [*([] if is_large else [_WITH_LITTLE]), *([] if ends_early else [_WITH_MUCH, _SPILLING]), _FRUGAL]

    def _attempt(
        self,
        attempt: Mapping[str, Any],
        query: str,
        parameters: Any,
        wanted: Mapping[str, Any],
        more: Mapping[str, Any],
    ) -> bytes:
        is_little = attempt is _WITH_LITTLE
        with self._place(self._little[_MEMORY] if is_little else LARGEST, is_little=is_little) as place:
            chosen = self._of_little(wanted) if is_little else self._of_much(attempt, wanted)
            return place.note(self._client.raw_query(query, parameters, settings=chosen, **more))

    def _of_little(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """What differs from what the client has: each setting of a call is a statement before and one behind it."""
        answer = min(self._little[_RESULT], int(wanted.get(_RESULT, self._largest_answer)))
        chosen = {**wanted, **self._little, _RESULT: answer}
        return {name: value for name, value in chosen.items() if self._little.get(name) != value}

    def _of_much(self, attempt: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        most = self._most()
        largest = min(most, int(wanted.get(_MEMORY, most)))
        answer = min(self._largest_answer, int(wanted.get(_RESULT, self._largest_answer)))
        spilling = {} if attempt is _WITH_MUCH else dict.fromkeys(_BY_DISK, largest // 2)
        return {**spilling, **attempt, **wanted, _MEMORY: largest, _RESULT: answer}

    def command(self, cmd: str, parameters: Any = None, settings: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """As the client's. What changes something is not tried twice: it may take all that a statement may."""
        with self._place(self._little[_MEMORY], is_little=True):
            large = {**(settings or {}), _MEMORY: self._largest or LARGEST}
            return self._client.command(cmd, parameters=parameters, settings=large, **more)

    def settle(self) -> None:
        """Gives back what was kept, when what was made of the answers has been sent."""
        kept, self._kept = self._kept, {}
        for places, nbytes in kept.items():
            when_sent(partial(places.give_back, nbytes))

    def _most(self) -> int:
        if self._largest:
            return self._largest
        if _RESIDENT - resident() < MOST:
            self._give_back()
        return max(LARGEST, min(MOST, _RESIDENT - resident()))

    def _give_back(self) -> None:
        """Gives back what the process and the engine keep of memory that is free."""
        give_back()
        client = self._plain()
        try:
            client.command("SYSTEM JEMALLOC PURGE")
        finally:
            client.close()

    @contextmanager
    def _place(self, nbytes: int, *, is_little: bool) -> Iterator[_Place]:
        places = self._lanes.little if is_little else self._lanes.large
        # who keeps some goes on with little: it would wait for others, and they for it
        wanted = nbytes - self._kept.get(places, 0) if not (is_little and self._kept) else 0
        taken = min(max(wanted, 0), LARGEST)
        places.take(taken, WAIT_S)
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
        self._client.close()
        self._client = self._opened()
        self.database = database

    def _opened(self) -> Client:
        client = self._open()
        for name, value in {**_SETTINGS, **self._little}.items():
            client.set_client_setting(name, value)
        return client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class _Place:
    """What a statement has taken, and what is `needed` of it afterwards."""

    needed = 0

    def note(self, answer: bytes) -> bytes:
        """Notes how much has to be kept for an answer."""
        if len(answer) > _LARGE_ANSWER:
            self.needed = min(_TIMES * len(answer), LARGEST)
        return answer


def reader(
    open_: Callable[[], Client],
    plain: Callable[[], Client],
    max_memory_usage: int | None,
    max_result_bytes: int = LARGEST_ANSWER,
) -> Client:
    """A client for reading from the embedded engine, with these bounds of each statement; the rest as in `Reader`."""
    return cast("Client", Reader(open_, plain, max_memory_usage, max_result_bytes))


def settle(client: Client) -> None:
    """Says that what was read with this client is with others now, or done with."""
    read: Any = client
    if isinstance(read, Reader):
        read.settle()

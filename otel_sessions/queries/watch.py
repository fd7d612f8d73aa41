# SPDX-License-Identifier: Apache-2.0
"""The turns of a session as they arrive and change, for readers that go on where they broke off.

Late spans change turns that were told long ago, so no position in the order of turns says what a reader has had. The id
of an arrival says it by itself: exactly for the latest turns, and for older ones by digests of groups of them. Nothing
is kept for those who left, a restart forgets nothing, and what a reader never received it gets again. A group of older
turns of which one changed while the reader was away is told whole: a turn may come twice, and none is left out.
"""

from __future__ import annotations

import struct
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import insort
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize
from zlib import crc32

import orjson

from otel_sessions.errors import Retryable
from otel_sessions.footprint import Room
from otel_sessions.queries.keyed import select
from otel_sessions.queries.paging import decode, encode
from otel_sessions.queries.rows import Row
from otel_sessions.queries.stored_parts import Parts, parts_of
from otel_sessions.queries.whole import TABLES

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

POLL_S: Final = 0.5
MAX_TURNS: Final = 100_000
"""That are watched of a session; of a longer one the last by their start."""
_AT_A_TIME: Final = 200
_BYTES: Final = 1 << 20
"""Of what is told at once, but for the first turn of it."""
_TURN_BYTES: Final = 400
"""What a reader remembers of a turn takes."""
FOLLOWED: Final = Room(64 << 20, is_shared=False)
"""What all readers of the process remember together: 160,000 turns, each as often as it is followed."""
_LENGTHS_KEPT: Final = 1_000
_PATIENCE: Final = 10
_PAUSE: Final = 5
_GROUPS: Final = 64
_LATEST: Final = 64  # turns that an id has one by one; half of them remain when they are too many


@dataclass(frozen=True, slots=True)
class Arrival:
    """A turn in the columns of `session_traces`, and the id to go on behind."""

    id: str
    turn: Row


@dataclass(frozen=True, slots=True)
class _Turn:
    trace_id: str
    start: str
    state: int

    @property
    def place(self) -> tuple[str, str]:
        return self.start, self.trace_id

    @property
    def group(self) -> int:
        return crc32(self.trace_id.encode()) % _GROUPS


class Watch:
    """One reader of one session: by default from now on, with `from_start` from the first turn, with `after`, the id
    of an arrival, from behind that one.

    Raises `CursorError` for an id that no arrival of this session had, and `Retryable` where there is no room for one
    more reader of a session as long as this was when somebody followed it last: nothing is asked of ClickHouse then.
    """

    def __init__(self, project: str, session_id: str, *, after: str = "", from_start: bool = False) -> None:
        self._named = {"project": project, "session_id": session_id}
        self._list = ["watch", project, session_id]
        self._after = decode(self._list, after) if after else None
        self._from_start = from_start
        self._had = _Had()
        self._unsettled: dict[str, tuple[int, int]] = {}
        self._pending: list[_Turn] = []
        self._parts: Parts | None = None  # of what turns are made of, when there was nothing new in them
        self._at_a_time = _AT_A_TIME
        self._remembered = 0
        self._place = object()
        finalize(self, FOLLOWED.give_back, self._place)
        self._began = False
        self._remember(_lengths.of(project, session_id))

    def pause_after(self, took: float) -> float:
        """Seconds to the next look, where the last took so long: none while there is more to tell, a moment while
        something changes, else the more the longer the session is.
        """
        if self._pending:
            return 0.0
        return max(POLL_S, took if self._unsettled else _PAUSE * took)

    def look(self, client: Client) -> Iterator[Arrival]:
        """What the reader has not had, in the order of their starts, some hundred turns and some MiB at most.

        A turn that changes is told when it has stayed as it is from one look to the next, or after ten. Where the parts
        of the tables say that nothing was stored since there was nothing new, turns are not looked at. Raises
        `Retryable` where all readers together remember too much.
        """
        if not self._pending:
            parts = parts_of(client, TABLES)
            if parts is not None and parts == self._parts:
                return
            self._parts = None
            rows = select(client, "watched_turns", {**self._named, "limit": MAX_TURNS})
            _lengths.note(**self._named, turns=len(rows))
            self._remember(len(rows))
            present = [_Turn(row["TraceId"], row["StartTime"], int(row["State"])) for row in reversed(rows)]
            at_once = not self._began
            if at_once:
                self._begin(present)
            self._pending = list(self._news(present, at_once=at_once))
            if not self._pending and not self._unsettled:
                self._parts = parts
        now, self._pending = self._pending[: self._at_a_time], self._pending[self._at_a_time :]
        if not now:
            return
        named = {**self._named, "trace_ids": [turn.trace_id for turn in now]}
        rows = select(client, "turns_of", named, COLUMNS="*")
        by_trace, nbytes = {row["TraceId"]: row for row in rows}, 0
        for place, turn in enumerate(now):
            row = by_trace.get(turn.trace_id)
            nbytes += len(orjson.dumps(row))
            if place and nbytes > _BYTES:
                self._pending, self._at_a_time = [*now[place:], *self._pending], place
                return
            self._had.take(turn)
            if row is not None:
                yield Arrival(encode(self._list, self._had.mark()), row)
        self._at_a_time = min(2 * self._at_a_time, _AT_A_TIME)

    def _remember(self, turns: int) -> None:
        if turns <= self._remembered:
            return
        if not FOLLOWED.take(self._place, (turns - self._remembered) * _TURN_BYTES):
            raise Retryable("those who follow sessions leave no room for another as long", retry_after=10.0)
        self._remembered = turns

    def _begin(self, present: Sequence[_Turn]) -> None:
        self._began = True
        if self._after is not None:
            had: Sequence[_Turn] = _had_by(self._after, present)
        else:
            had = () if self._from_start else present
        for turn in had:
            self._had.take(turn)

    def _news(self, present: Sequence[_Turn], *, at_once: bool) -> Iterator[_Turn]:
        unsettled: dict[str, tuple[int, int]] = {}
        for turn in present:
            if self._had.has(turn):
                continue
            state, looks = self._unsettled.get(turn.trace_id, (None, 0))
            if at_once or state == turn.state or looks >= _PATIENCE:
                yield turn
            else:
                unsettled[turn.trace_id] = (turn.state, looks + 1)
        self._unsettled = unsettled


class _Lengths:
    """How many turns a session had when it was looked at last, of those that were followed lately. Any thread may
    call."""

    def __init__(self) -> None:
        self._turns: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._using = threading.Lock()

    def note(self, project: str, session_id: str, turns: int) -> None:
        with self._using:
            self._turns[project, session_id] = turns
            self._turns.move_to_end((project, session_id))
            if len(self._turns) > _LENGTHS_KEPT:
                self._turns.popitem(last=False)

    def of(self, project: str, session_id: str) -> int:
        """0 of one that is not known."""
        return self._turns.get((project, session_id), 0)


_lengths: Final = _Lengths()


class _Had:
    """Which turns a reader has had, and in which state."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._boundary = ("", "")  # turns up to here are in the digest of their group
        self._digests = [0] * _GROUPS
        self._latest: list[tuple[str, str]] = []

    def has(self, turn: _Turn) -> bool:
        return self._turns.get(turn.trace_id) == turn

    def take(self, turn: _Turn) -> None:
        before = self._turns.pop(turn.trace_id, None)
        if before is not None:
            if before.place <= self._boundary:
                self._digests[before.group] ^= before.state
            else:
                self._latest.remove(before.place)
        self._turns[turn.trace_id] = turn
        if turn.place <= self._boundary:
            self._digests[turn.group] ^= turn.state
            return
        insort(self._latest, turn.place)
        if len(self._latest) > _LATEST:
            count = _LATEST // 2
            folded, self._latest = self._latest[:count], self._latest[count:]
            self._boundary = folded[-1]
            for _, trace_id in folded:
                turn = self._turns[trace_id]
                self._digests[turn.group] ^= turn.state

    def mark(self) -> list[Any]:
        """What an id says, see `_had_by`."""
        states = [self._turns[trace_id].state for _, trace_id in self._latest]
        digests = self._digests if self._boundary[0] else []
        return [*self._boundary, _packed(digests), _packed(states)]


def _had_by(mark: Sequence[Any], present: Sequence[_Turn]) -> list[_Turn]:
    """Those of the turns that are there now which a reader with this mark has had as they are."""
    boundary, digests, states = (mark[0], mark[1]), _unpacked(mark[2]) or (0,) * _GROUPS, set(_unpacked(mark[3]))
    now = [0] * _GROUPS
    for turn in present:
        if turn.place <= boundary:
            now[turn.group] ^= turn.state
    return [
        turn
        for turn in present
        if (now[turn.group] == digests[turn.group] if turn.place <= boundary else turn.state in states)
    ]


def _packed(numbers: Sequence[int]) -> str:
    return urlsafe_b64encode(struct.pack(f"<{len(numbers)}I", *numbers)).decode().rstrip("=")


def _unpacked(text: str) -> tuple[int, ...]:
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return struct.unpack(f"<{len(raw) // 4}I", raw)

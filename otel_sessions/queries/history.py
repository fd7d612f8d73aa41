# SPDX-License-Identifier: Apache-2.0
"""What was said in a session before a page of its replay, and where first: learned once, remembered between requests.

    history = memory.history(project, session_id)
    with history.alone():
        history.reach(client, scope, place)      # now history.said has what was said up to there

It is read from the latest turn backwards, as digests alone, until the first turn or the first of these bounds:
`MAX_TURNS`, `MAX_READ`, `MAX_MESSAGES`. What was said before counts as never said, so that what repeats nearest counts.
Turns that have other spans than when they were read are read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, islice, takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sessions.errors import Retryable
from otel_sessions.genai.transcript import Reader
from otel_sessions.queries import keyed
from otel_sessions.queries.contents import FIRST, Content, Key, Place, is_step, read
from otel_sessions.queries.distinct import Digests
from otel_sessions.queries.rows import Row, nanoseconds

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

Position: TypeAlias = "tuple[str, str, int]"
"""Start and trace of a turn, and the number of a step in it."""
Spoken: TypeAlias = "list[tuple[Position, list[bytes]]]"
"""Steps in order, with the digests of their messages."""

MAX_TURNS: Final = 1_000
"""Turns that are read before a page that no other led up to: to read twenty times as many takes twelve seconds, and
what a call is sent again was mostly sent with one shortly before."""
MAX_READ: Final = 32 * 2**20
"""Bytes of attributes and events that are read for it."""
MESSAGE_BYTES: Final = 320
"""Bytes that a message takes in a history, at most: its digest, its position and their place in a dictionary."""
MAX_BYTES: Final = 128 * 2**20
"""Bytes that a `Memory` has, over all sessions."""
MAX_MESSAGES: Final = MAX_BYTES // MESSAGE_BYTES

PATIENCE_S: Final = 5.0

_TURNS_AT_ONCE: Final = 1_000
_SPANS_AT_ONCE: Final = 8_000
_BYTES_AT_ONCE: Final = 12 * 2**20


@dataclass(slots=True)
class History:
    """What was said in a session up to a turn; the message that was said last stands last."""

    covered: Place = FIRST
    spans: int = 0
    """Spans of the turns up to there, when they were read."""
    mark: Place = FIRST
    """An earlier place to which `said` can go back, and the spans up to it."""
    mark_spans: int = 0
    said: dict[bytes, Position] = field(default_factory=dict)
    begins: Place = FIRST
    """The place from which on it is as good as read anew; the first where nothing was left out."""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, client: Client, scope: Row, until: Place) -> int | None:
        """Learns what was said up to a place; returns when the last turn up to it ended, in ns, None without any."""
        named: Row = {}
        for name, (time, trace_id) in {"covered": self.covered, "mark": self.mark, "until": until}.items():
            named |= {f"{name}_time": time, f"{name}_trace": trace_id}
        found = keyed.select(client, "replay_end", {**scope, **named})
        now = found[0] if found else {"Turns": 0, "Spans": 0, "CoveredSpans": 0, "MarkSpans": 0}
        if until < self.begins:
            self._forget()
        elif int(now["CoveredSpans"]) != self.spans:
            if int(now["MarkSpans"]) != self.mark_spans:
                self._forget()
            else:
                self.said = {digest: at for digest, at in self.said.items() if at[:2] <= self.mark}
                self.covered, self.spans = self.mark, self.mark_spans
        if self.covered < until:
            if int(now["Spans"]) != self.spans:
                self._catch_up(client, scope, until)
            self.covered, self.spans = until, int(now["Spans"])
        self.mark, self.mark_spans = until, int(now["Spans"])
        return nanoseconds(str(now["EndTime"])) if now["Turns"] else None

    def cover(self, last: Place, spans: int) -> None:
        """Notes that `said` has the turns up to this one, which are so many spans more than those up to the mark."""
        if last > self.covered:
            self.covered, self.spans = last, self.mark_spans + spans
        if len(self.said) > MAX_MESSAGES:
            for digest in [*islice(self.said, len(self.said) - MAX_MESSAGES)]:
                del self.said[digest]
            self.begins = self.covered

    @contextmanager
    def alone(self) -> Iterator[None]:
        """By one thread at a time. Raises `Retryable` where others take long: each who waits has a thread."""
        if not self.turn.acquire(timeout=PATIENCE_S):
            raise Retryable("others read the turns of this session; ask again", retry_after=2.0)
        try:
            yield
        finally:
            self.turn.release()

    def learn(self, other: History) -> None:
        """Takes what another history of the session has where that is more, unless it is in use."""
        if self.turn.acquire(blocking=False):
            try:
                if self.covered < other.covered:
                    self._replace(other)
            finally:
                self.turn.release()

    def _replace(self, other: History) -> None:
        self.covered, self.spans, self.mark, self.mark_spans = other.covered, other.spans, other.mark, other.mark_spans
        self.said, self.begins = other.said, other.begins

    def _forget(self) -> None:
        self.said, self.begins = {}, FIRST
        self.covered, self.spans = self.mark, self.mark_spans = FIRST, 0

    def _catch_up(self, client: Client, scope: Row, until: Place) -> None:
        after = dict(zip(("time", "trace_id"), self.covered, strict=True))
        named = {**scope, **after, "until_time": until[0], "until_trace": until[1], "limit": MAX_TURNS + 1}
        rows = keyed.select(client, "replay_before", named)
        is_whole, left = len(rows) <= MAX_TURNS, MAX_READ
        said: dict[bytes, Position] = {}
        for spoken, size in _backwards(client, scope, rows[:MAX_TURNS]):
            left -= size
            if left < 0 or len(said) > MAX_MESSAGES:
                is_whole = False
                break
            for position, digests in reversed(spoken):
                said |= dict.fromkeys(reversed(digests), position)
        if is_whole:
            earlier = {digest: at for digest, at in self.said.items() if digest not in said}
            latest = {digest: self.said.get(digest, said[digest]) for digest in reversed(said)}
            self.said = earlier | latest
        else:
            self.said, self.begins = {digest: said[digest] for digest in reversed(said)}, until


class Memory:
    """The histories of the sessions that were replayed last, bounded in bytes. For several threads."""

    def __init__(self) -> None:
        self._histories: OrderedDict[tuple[str, str], History] = OrderedDict()
        self._turn = threading.Lock()

    def history(self, project: str, session_id: str) -> History:
        with self._turn:
            found = self._histories.setdefault((project, session_id), History())
            self._histories.move_to_end((project, session_id))
            while len(self._histories) > 1 and sum(map(_size, self._histories.values())) > MAX_BYTES:
                self._histories.popitem(last=False)
            return found


def _size(history: History) -> int:
    return 1_000 + MESSAGE_BYTES * len(history.said)


def _backwards(client: Client, scope: Row, rows: Sequence[Row]) -> Iterator[tuple[Spoken, int]]:
    """What the steps of these turns said, the latest turn first, stretch by stretch, and how many bytes were read."""
    reader, digests = Reader(), Digests()
    most = _SPANS_AT_ONCE // 16
    while rows:
        counts = accumulate(row["SpanCount"] for row in rows[:_TURNS_AT_ONCE])
        size = max(1, sum(1 for _ in takewhile(most.__ge__, counts)))
        stretch, rows = rows[:size][::-1], rows[size:]
        spoken: Spoken = []
        read_bytes = read_spans = 0
        while stretch:
            spans, contents, fitting = read(client, scope, stretch, _SPANS_AT_ONCE)
            for row in stretch[:fitting]:
                mine = spans.get(row["TraceId"], ())
                read_spans += len(mine)
                read_bytes += sum(span["Bytes"] for span in mine if is_step(span))
                spoken += _spoken(row, mine, contents, reader, digests)
            stretch = stretch[fitting:]
        yield spoken, read_bytes
        most = max(1, min(_SPANS_AT_ONCE, 4 * most, _BYTES_AT_ONCE * read_spans // max(1, read_bytes)))


def _spoken(
    turn: Row, spans: Sequence[Row], contents: Mapping[Key, Content], reader: Reader, digests: Digests
) -> Spoken:
    found: Spoken = []
    for number, span in enumerate(filter(is_step, spans)):
        if content := contents.get((span["TraceId"], span["SpanId"])):
            sides = reader.messages(content.attributes, content.events, span["StepKind"] or "other", span["StepName"])
            if said := [digests.of(each) for side in sides for each in side]:
                found.append(((turn["StartTime"], turn["TraceId"], number), said))
    return found

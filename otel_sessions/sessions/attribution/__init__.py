# SPDX-License-Identifier: Apache-2.0
"""Late claims and repeated spans: what puts the figures of a trace right where the sums of its inserts may be wrong.

See "What a session is, and how the tables say it" in docs/architecture.md. Every statement is idempotent and only ever
adds rows: running one twice, late, or at two receivers changes nothing.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.clickhouse.chunks import batched
from otel_sessions.clickhouse.cluster import mutate
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.running import wait_for_inserts
from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import Retryable
from otel_sessions.sessions.attribution.bounds import tell_missing
from otel_sessions.sessions.attribution.given import about, over
from otel_sessions.sessions.attribution.given import bound as bound
from otel_sessions.sessions.attribution.shortened import shortened

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TraceKey = tuple[str, str]
"""(project, trace id)"""
_CHUNK: Final = 10_000
_CORRECTED_ROWS: Final = 32_768
_FEW_ROWS: Final = 2_048
"""To plan the statements of a correction once more costs as much as to work out the versions of ten times as many."""
_TRIES: Final = 3
_CHANGING_S: Final = 1.0
_CLEARED_ROWS: Final = 10_000
"""To take rows away rewrites what the parts have of a mask, so it is not done for a few."""
_COMES_INTO_FORCE_S: Final = 3600
CLOCKS_DIFFER_NS: Final = 60 * 10**9
"""By how much the clocks of those who delete sessions may differ from that of who corrects traces or deletes others."""
Claim = tuple[int, int, int, str]
"""(level, 0 for a root, start in ns, session id); the smaller is the better."""
NO_CLAIM: Final = 9
_IN_FORCE: Final[Mapping[str, str]] = MappingProxyType({})
_DERIVED: Final = re.compile(
    r"\b_(?:trace_claims|session_turns|session_activity|corrections|corrected_turns|corrected_spans)\b"
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A trace whose sums are not right by proof, and its best claim, of level `NO_CLAIM` where it has none; `is_new`
    where no correction of it is in force."""

    trace: TraceKey
    best: Claim
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored of a trace: under which sessions, "" for none, and between which times, in ns; where it was
    counted how many rows and different spans that is, and the level of the best claim. Then that claim's session is the
    first, and all that are claimed are among them."""

    sessions: Sequence[str] = ()
    start: int = 0
    end: int = 0
    rows: int = 0
    spans: int = 0
    level: int = 0

    def counted(self, rows: int, spans: int, level: int, session: str, claims: Sequence[str]) -> _Stored:
        """The same, counted."""
        sessions = dict.fromkeys((session, *self.sessions, *(claim for claim in claims if claim)))
        return replace(self, rows=rows, spans=spans, level=level, sessions=[*sessions])

    @property
    def is_claimed(self) -> bool:
        """Whether one of the rows that were counted has a claim."""
        return 0 < self.level < NO_CLAIM

    @property
    def is_repeated(self) -> bool:
        """Whether a span came more than once."""
        return self.rows != self.spans


_NOTHING: Final = _Stored()


def find(client: Client, traces: Sequence[TraceKey]) -> list[Doubt]:
    """Of these traces those that need `correct`; mostly none. What one insert brought whole costs a short look."""
    sql, parameters = about(client, statement(__package__, "candidates"), traces)
    return judge(client, client.query(sql, parameters=parameters).result_rows)


def judge(client: Client, found: Sequence[Sequence[Any]], *, names: Mapping[str, str] = _IN_FORCE) -> list[Doubt]:
    """The same of what a short look has found: project, trace id, whether it is unproven, whether that is since a span
    is under another session than its own, whether it may pause, and the best claim.

    A trace of the second kind that nobody has corrected is in doubt, whatever else there is of it.
    """
    note_pauses(client, [(row[0], row[1]) for row in found if row[4]], names=names)
    misplaced = {
        (row[0], row[1]): _doubt((row[0], row[1]), (row[5], row[6], row[7], row[8]), is_new=True)
        for row in found
        if row[3]
    }
    for trace in _rows_seen(client, [*misplaced], names):
        del misplaced[trace]
    others = [(row[0], row[1]) for row in found if row[2] and (row[0], row[1]) not in misplaced]
    return [*misplaced.values(), *_doubtful(client, others, names)]


def doubtful(client: Client, traces: Sequence[TraceKey]) -> list[Doubt]:
    """The same without the short look."""
    note_pauses(client, traces)
    return _doubtful(client, traces, _IN_FORCE)


def note_pauses(client: Client, traces: Sequence[TraceKey], *, names: Mapping[str, str] = _IN_FORCE) -> None:
    """Tells bounds from when to when a turn lasts of which the rows lie more than an hour apart.

    `names` are other tables than those in force, by the names of these.
    """
    if traces:
        _run(client, renamed(statement(__package__, "pauses"), names), traces)


def _doubtful(client: Client, traces: Sequence[TraceKey], names: Mapping[str, str]) -> list[Doubt]:
    if not traces:
        return []
    sql, parameters = about(client, renamed(statement(__package__, "doubtful"), names), traces)
    return [
        _doubt((row[0], row[1]), (row[2], row[3], row[4], row[5]))
        for row in client.query(sql, parameters=parameters).result_rows
    ]


def _doubt(trace: TraceKey, claim: Claim, *, is_new: bool = False) -> Doubt:
    return Doubt(trace, claim if claim[0] < NO_CLAIM else (NO_CLAIM, 1, 0, ""), is_new)


def correct(
    client: Client,
    traces: Sequence[TraceKey],
    *,
    new: Set[TraceKey] = frozenset(),
    names: Mapping[str, str] = _IN_FORCE,
) -> None:
    """Puts what every session that ever held spans of these traces has of them in the place of the sums.

    Spans are copied before they are members, so that no reader misses one, and those of a trace once more after it
    where rows of it were stored in between: they are members of which there would be no copy. Figures lie among the
    turns before they are in force. Of `new` traces no correction is in force.

    The first try goes by what was counted, where no span came twice: a trace of which there are other rows a moment
    later is left to the next, which goes by nothing but what it reads.
    """
    left, begin_ns = list(traces), time.time_ns()
    for number in range(_TRIES if traces else 0):
        _run(client, renamed(statement(__package__, "mark"), names), left)
        stored = _stored(client, left, names)
        tried = (_correct(client, some, new, names, begin_ns, anew=number > 0) for some in _parts(stored, new))
        left = [trace for changed in tried for trace in changed]
        if not left:
            return
    if left:
        raise Retryable("traces change faster than they are corrected", retry_after=_CHANGING_S)


def correct_doubts(client: Client, doubts: Sequence[Doubt], *, names: Mapping[str, str] = _IN_FORCE) -> None:
    """The same of traces that a look has found."""
    new = {doubt.trace for doubt in doubts if doubt.is_new}
    correct(client, [doubt.trace for doubt in doubts], new=new, names=names)


def _correct(
    client: Client,
    stored: Mapping[TraceKey, _Stored],
    new: Set[TraceKey],
    names: Mapping[str, str],
    begin_ns: int,
    *,
    anew: bool,
) -> list[TraceKey]:
    """Corrects traces that are there or gone, and returns those that have changed meanwhile so that they are not."""
    some = [*stored]
    once, are_new = not (anew or any(each.is_repeated for each in stored.values())), new >= set(some)
    number = {"correction": secrets.randbits(63) + 1}
    gone = {"gone": int(all(each.rows == 0 for each in stored.values()))}
    for name in ("copy", "correct"):
        sql = shortened(statement(__package__, name), once=once, are_new=are_new)
        _run_over(client, renamed(sql, names), stored, {**number, **gone})
    for name in ("figures", "in_force"):
        _run(client, renamed(statement(__package__, name), names), some, number)
    seen = _rows_seen(client, some, names)
    grown = [trace for trace in some if trace in seen and seen[trace] != stored[trace].rows]
    if grown:
        _run_over(client, renamed(statement(__package__, "copy"), names), _known(client, grown, names))
    outdated = _take_back(client, seen, stored, begin_ns) if names is _IN_FORCE else set()
    return [
        trace
        for trace in some
        if trace in outdated or (stored[trace].is_claimed and seen.get(trace, 0) < stored[trace].rows)
    ]


def _take_back(
    client: Client, seen: Mapping[TraceKey, int], stored: Mapping[TraceKey, _Stored], begin_ns: int
) -> set[TraceKey]:
    """Removes corrections that were worked out before spans of them were deleted, and stored after that: no other is
    made of as many rows. Returns their traces."""
    more = [trace for trace, rows in seen.items() if rows > stored[trace].rows]
    suspected = list(seen) if _is_removed(client, begin_ns - CLOCKS_DIFFER_NS) else more
    if not suspected or not _is_removed(client, 0):
        return set()
    now = _stored(client, suspected, _IN_FORCE)
    outdated = [trace for trace in suspected if seen[trace] > now[trace].rows]
    if outdated:
        sql, parameters = bound(statement(__package__, "take_back"), outdated)
        for table in ("_corrected_turns", "_corrections", "_session_turns"):
            mutate(client, sql, table, parameters)
        remove(client, "_corrected_spans", outdated)
    return set(outdated)


def remove(client: Client, table: str, traces: Sequence[TraceKey]) -> None:
    """Deletes all that a table has of these traces."""
    if traces:
        sql, parameters = bound(statement(__package__, "traces_of"), traces)
        mutate(client, sql, table, parameters)


def _is_removed(client: Client, since_ns: int) -> bool:
    return bool(client.query(statement(__package__, "removed_since"), {"since": since_ns}).result_rows)


def _parts(stored: Mapping[TraceKey, _Stored], new: Set[TraceKey]) -> Iterator[dict[TraceKey, _Stored]]:
    """What is stored of traces, in parts of so many rows: a correction holds them in memory. Those of which nothing
    is left are apart, and of many rows those that none came twice of, for which that need not be worked out, and those
    that are corrected for the first time."""
    few = sum(each.rows for each in stored.values()) <= _FEW_ROWS
    kinds = {
        trace: (each.rows == 0, not few and each.is_repeated, not few and trace not in new)
        for trace, each in stored.items()
    }
    rows, some = 0, dict[TraceKey, _Stored]()
    for trace in sorted(stored, key=kinds.__getitem__):
        if some and (rows + stored[trace].rows > _CORRECTED_ROWS or kinds[trace] != kinds[next(iter(some))]):
            yield some
            rows, some = 0, {}
        rows += stored[trace].rows
        some[trace] = stored[trace]
    if some:
        yield some


def _rows_seen(client: Client, traces: Sequence[TraceKey], names: Mapping[str, str]) -> dict[TraceKey, int]:
    if not traces:
        return {}
    sql, parameters = about(client, renamed(statement(__package__, "rows_seen"), names), traces)
    return {(project, trace): rows for project, trace, rows in client.query(sql, parameters=parameters).result_rows}


def _stored(client: Client, traces: Sequence[TraceKey], names: Mapping[str, str]) -> dict[TraceKey, _Stored]:
    """What is stored of each of these traces, counted."""
    known = _known(client, traces, names)
    if known:
        sql, parameters = _over(client, statement(__package__, "rows_now"), known)
        for project, trace, *counted in client.query(sql, parameters=parameters).result_rows:
            known[project, trace] = known[project, trace].counted(*counted)
    return {trace: known.get(trace, _NOTHING) for trace in traces}


def _known(client: Client, traces: Sequence[TraceKey], names: Mapping[str, str]) -> dict[TraceKey, _Stored]:
    """Where spans of the traces are stored. What comes later is not seen by whoever goes by that: it is as if the
    traces were corrected before, and they are looked at after it."""
    sql, parameters = about(client, renamed(statement(__package__, "known"), names), traces)
    return {(row[0], row[1]): _Stored(*row[2:]) for row in client.query(sql, parameters=parameters).result_rows}


def _over(client: Client, sql: str, stored: Mapping[TraceKey, _Stored]) -> tuple[str, dict[str, Any]]:
    found = [each for each in stored.values() if each.sessions]
    times = {"start": min(each.start for each in found), "end": max(each.end for each in found)}
    places = [(*trace, each.sessions, each.level, each.rows) for trace, each in stored.items()]
    sql, parameters = over(client, sql, places)
    return sql, {**parameters, **times}


def _run_over(
    client: Client, sql: str, stored: Mapping[TraceKey, _Stored], more: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Runs a statement over the rows of traces of which it is known where they are; none is run where none is."""
    if any(each.sessions for each in stored.values()):
        sql, parameters = _over(client, sql, stored)
        _run(client, sql, (), {**parameters, **more})


def _run(
    client: Client, sql: str, traces: Sequence[TraceKey], more: Mapping[str, int | str] = MappingProxyType({})
) -> None:
    if traces:
        sql, parameters = about(client, sql, traces)
        more = {**parameters, **more}
    client.raw_query(sql, parameters=dict(more), settings=settings(client))


def correct_anew(client: Client, traces: Sequence[TraceKey]) -> None:
    """The same, whatever the tables know of the traces: from their spans alone."""
    if traces:
        _run(client, statement(__package__, "claims_anew"), traces)
        correct(client, traces)


def clear(client: Client, *, at_least: int = _CLEARED_ROWS, older_than_s: int = _COMES_INTO_FORCE_S) -> int:
    """Takes away figures of corrections that others have taken the place of, where there are so many; returns how many.

    They are as old as that at least, as figures lie among the turns before they come into force.
    """
    older = {"older_than_s": older_than_s}
    found = int(client.query(statement(__package__, "superseded"), parameters=older).result_rows[0][0])
    if found < at_least:
        return 0
    mutate(client, statement(__package__, "clear"), "_session_turns", older)
    return found


def left_behind(client: Client, since: int | None = None) -> list[TraceKey]:
    """Traces that receivers which died, or inserts that were broken off, may have left in doubt.

    They are all that were stored since any receiver last did its round, or `since` (unix seconds of the server). What
    an insert has left in some tables only is told to the others, and what it told of spans that are not stored is taken
    back: they are told of again, if they come.
    """
    if since is None:
        since = int(client.query(statement(__package__, "looked_through")).result_rows[0][0])
    _take_back_claims(client, since)
    for name in ("refeed", "strays"):
        client.raw_query(statement(__package__, name), parameters={"since": since}, settings=settings(client))
    tell_missing(client, since)
    corrected = client.query(statement(__package__, "corrected_since"), parameters={"since": since}).result_rows
    for rows in batched(corrected, _CHUNK):  # who died may not have come to the second copy
        known = _known(client, [(row[0], row[1]) for row in rows], _IN_FORCE)
        _run_over(client, statement(__package__, "copy"), known)
    rows = client.query(statement(__package__, "stored_since"), parameters={"since": since}).result_rows
    return [(project, trace) for project, trace in rows]


def _take_back_claims(client: Client, since: int) -> None:
    rows = client.query(statement(__package__, "unstored_since"), parameters={"since": since}).result_rows
    found = list[TraceKey]()
    for some in batched([(project, trace) for project, trace in rows], _CHUNK):
        sql, parameters = about(client, statement(__package__, "unstored"), some)
        found += [(project, trace) for project, trace in client.query(sql, parameters=parameters).result_rows]
    for some in batched(found, _CHUNK):
        remove(client, "_trace_claims", some)
    if found:  # of an insert under way, what it has told is gone as well: what it has stored is told when it has ended
        wait_for_inserts(client)
    for some in batched(found, _CHUNK):
        _run(client, statement(__package__, "claims_anew"), some)


def begin(client: Client, receiver: str) -> None:
    """Puts a receiver on record that is not, before it stores anything: others note how far they are, and where it dies
    before it does so, what it has left would not be looked for."""
    client.command(statement(__package__, "begin"), parameters={"receiver": receiver})


def record(client: Client, receiver: str, through: int) -> None:
    """Notes that `receiver` has left nothing behind that was stored before `through` (unix seconds of the server)."""
    client.command(
        "INSERT INTO _attribution_progress (Receiver, Through) SELECT {receiver:String}, toDateTime({through:UInt32})",
        parameters={"receiver": receiver, "through": through},
    )


def record_all(client: Client, receiver: str, through: int) -> None:
    """The same for every receiver on record and this one, after all that was `left_behind` is done."""
    client.command(
        "INSERT INTO _attribution_progress (Receiver, Through) "
        "SELECT Receiver, toDateTime({through:UInt32}) FROM _attribution_progress FINAL",
        parameters={"through": through},
    )
    record(client, receiver, through)


def server_time(client: Client) -> int:
    """The server's clock in unix seconds, the one of `ReceivedAt`."""
    return int(client.query("SELECT toUnixTimestamp(now())").result_rows[0][0])


def renamed(sql: str, names: Mapping[str, str]) -> str:
    """A statement about other tables."""
    return _DERIVED.sub(lambda table: names.get(table[0], table[0]), sql) if names else sql

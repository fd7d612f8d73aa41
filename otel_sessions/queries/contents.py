# SPDX-License-Identifier: Apache-2.0
"""Turns of a session read in bounds of bytes and spans: their spans, and what the steps among them say."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from otel_sessions.clickhouse.chunks import bounded
from otel_sessions.genai.transcript import Event
from otel_sessions.queries import keyed, next_turns
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.rows import Row, composed, run

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

Place: TypeAlias = "tuple[str, str]"
"""Start and trace of a turn."""

MAX_CONTENT: Final = 8 * 2**20
"""Bytes of attributes and events that are read for a page."""
MAX_SPANS: Final = 20_000
"""Spans that are read for a page; of a turn with more, the first."""

FIRST: Final[Place] = ("1900-01-01 00:00:00", "")
"""The place before all turns."""
TOKENS: Final = (
    *("InputTokens", "OutputTokens", "CachedInputTokens", "CacheCreationInputTokens", "ReasoningTokens"),
    *("TotalTokens", "Cost"),
)
TURN: Final = ("TraceId", "Name", "UserId", "StartTime", "EndTime", "Input", "Output", "ErrorCount", *TOKENS)
"""What is shown of a turn."""
_COLUMNS: Final = (*TURN, "Duration", "SpanCount")
_IN_WEEKS: Final = """ReceivedAt >= toDateTime({first_week:Date}, 'UTC')
        AND ReceivedAt < toDateTime({last_week:Date} + 7, 'UTC')"""
_TURNS_AT_ONCE: Final = 3_000
"""Of a session of very many turns each look for the next goes through most of its parts."""
_SPANS_AT_ONCE: Final = 12_000
_IN_FULL: Final = 4
"""Sessions that are read whole at a time, before each has a part of that."""
_reading: Final = set[object]()
_ROW: Final = 2_000
"""Bytes that a span takes as a row, beside what it says."""
_FEW_SPANS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a span says."""

    attributes: Mapping[str, str]
    events: Sequence[Event] = ()


Key: TypeAlias = "tuple[str, str]"
"""Trace and span."""


class Read(NamedTuple):
    """The spans of some turns by trace, what their steps say, and how many of these turns fit into a page."""

    spans: dict[str, list[Row]]
    contents: dict[Key, Content]
    fitting: int


def is_step(span: Row) -> bool:
    """Whether a span is shown: it is of a kind, or failed."""
    return bool(span["StepKind"] not in ("", "other") or span["StatusCode"] == "Error")


def turn_rows(client: Client, scope: Row, after: Place, limit: int) -> list[Row]:
    return next_turns.turns_behind(client, _behind(scope, after, limit), _COLUMNS)


def read_behind(client: Client, scope: Row, after: Place, limit: int) -> tuple[list[Row], Read]:
    """The next turns, one more than `limit`, and what is read of those before it.

    Their spans are read beside them where it is known before of which: of a session of very many turns, where few of
    their columns say which come next, and of one that is all on the page.
    """
    named = _behind(scope, after, limit + 1)
    if is_frozen(client):
        rows = next_turns.turns_behind(client, named, _COLUMNS)
        return rows, read(client, scope, rows[:limit])
    # Each statement asks for the corrections, which are remembered.
    size, corrected = keyed.at_once(
        client,
        lambda client: next_turns.size_of(client, scope),
        lambda client: keyed.corrections_of(client, scope),
    )
    ahead: list[Row] | None = None
    if size["Minutes"] > keyed.MANY_MINUTES:
        ahead = next_turns.turns_ahead(client, named, size)
        spans = sum(row["Spans"] for row in ahead[:limit])
        turns = partial(next_turns.turns_of, parameters=named, ahead=ahead, columns=_COLUMNS)
    else:
        spans = size["Spans"] if after == FIRST and size["Minutes"] <= limit else 0
        turns = partial(next_turns.first_turns, parameters=named, columns=_COLUMNS)
    if not 0 < spans <= _FEW_SPANS:
        rows = turns(client)
        return rows, read(client, scope, rows[:limit])
    few = None if ahead is None else ahead[:limit]
    found, (rows, more) = keyed.at_once(
        client,
        lambda client: _stored(client, scope, few, corrected),
        lambda client: (turns(client), _corrected(client, scope, few, corrected)),
    )
    return rows, _read_of(client, scope, rows[:limit], [*found, *more])


def _behind(scope: Row, after: Place, limit: int) -> Row:
    return {**scope, "time": after[0], "trace_id": after[1], "limit": limit}


def read(client: Client, scope: Row, rows: Sequence[Row], few: int | None = None) -> Read:
    """What is read of these turns; in one statement where they have at most `few` spans."""
    count = sum(row["SpanCount"] for row in rows)
    is_few = 0 < count <= min(_FEW_SPANS if few is None else few, MAX_SPANS)
    return _read_of(client, scope, rows, _whole(client, scope, _ids(rows)) if is_few else [])


def _whole(client: Client, scope: Row, trace_ids: Sequence[str]) -> list[Row]:
    """The spans of these turns, or of all of the session, with what they say, if it is not too much."""
    among = keyed.OF_TURNS if trace_ids else "1"
    return keyed.select(client, "replay_whole", {**scope, "trace_ids": list(trace_ids)}, AMONG=among)


def _stored(client: Client, scope: Row, ahead: Sequence[Row] | None, corrected: Mapping[str, int] | None) -> list[Row]:
    """As `_whole`, of the next turns, or of all, those that no correction took the place of.

    They are looked for in the weeks of which `ahead` knows that something of these turns was stored: there are few
    parts of them. Where others have some of it too, `_read_of` finds that it is not all.
    """
    if corrected is None:
        return _whole(client, scope, [] if ahead is None else _ids(ahead))
    if ahead is None:
        named = {**scope, "corrected": [*corrected]}
        return _of_texts(
            client, "replay_stored", named, "TraceId NOT IN {corrected:Array(String)}" if corrected else "1"
        )
    ids = [trace_id for trace_id in _ids(ahead) if trace_id not in corrected]
    weeks = [row[name] for row in ahead if row["TraceId"] not in corrected for name in ("FirstWeek", "LastWeek")]
    if not ids:
        return []
    named = {**scope, "trace_ids": ids, "first_week": min(weeks), "last_week": max(weeks)}
    return _of_texts(client, "replay_stored", named, f"{keyed.OF_TURNS} AND {_IN_WEEKS}")


def _corrected(
    client: Client, scope: Row, ahead: Sequence[Row] | None, corrected: Mapping[str, int] | None
) -> list[Row]:
    """As `_stored`, those that a correction took the place of, but where `_stored` has them all."""
    ids = [*(corrected or ())] if ahead is None else [id_ for id_ in _ids(ahead) if id_ in (corrected or ())]
    return _of_texts(client, "replay_corrected", {**scope, "corrected": ids}) if ids else []


def _of_texts(client: Client, name: str, named: Row, among: str = "") -> list[Row]:
    return run(client, composed(name, KEYS=keyed.ONE, AMONG=among), named)


def _read_of(client: Client, scope: Row, rows: Sequence[Row], found: Sequence[Row]) -> Read:
    """What is read of these turns, of which these spans were found, and maybe of others."""
    ids = {*_ids(rows)}
    found = [span for span in found if span["TraceId"] in ids]
    counts = Counter(span["TraceId"] for span in found)
    if any(counts[row["TraceId"]] != row["SpanCount"] for row in rows):  # too many, or more than is read at once
        spans = _by_trace(_spans(client, scope, _ids(rows))) if rows else {}
        fitting = _fitting(rows, spans)
        return Read(spans, contents_of(client, scope, rows[:fitting], spans), fitting)
    spans = _by_trace(sorted(found, key=lambda row: (row["Timestamp"], row["SpanId"])))
    fitting = _fitting(rows, spans)
    return Read(spans, _contents(_wanted(rows[:fitting], spans)), fitting)


def _ids(rows: Iterable[Row]) -> list[str]:
    return [row["TraceId"] for row in rows]


def _by_trace(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["TraceId"], []).append(row)
    return found


def _spans(client: Client, scope: Row, trace_ids: Sequence[str]) -> Iterator[Row]:
    """The spans of these traces, one trace after the other; of the last one not all, if they are too many."""
    return keyed.each(client, "replay_spans", {**scope, "trace_ids": list(trace_ids), "limit": MAX_SPANS})


def _fitting(rows: Sequence[Row], spans: Mapping[str, Sequence[Row]]) -> int:
    """How many of the turns fit into a page, by what is read of them; at least one."""
    size, count = 0, 0
    for number, row in enumerate(rows):
        mine = spans.get(row["TraceId"], ())
        size += _size(mine)
        count += len(mine)
        if number and (size > MAX_CONTENT or count >= MAX_SPANS):
            return number
    return len(rows)


def _size(spans: Iterable[Row]) -> int:
    return sum(span["Bytes"] for span in spans if is_step(span))


def contents_of(
    client: Client,
    scope: Row,
    rows: Sequence[Row],
    spans: Mapping[str, Sequence[Row]],
    among: Callable[[Row], bool] = lambda _: True,
) -> dict[Key, Content]:
    """What the steps of these turns say, as far as it fits, those `among` them."""
    if not (wanted := [*filter(among, _wanted(rows, spans))]):
        return {}
    ids = {"trace_ids": sorted({span["TraceId"] for span in wanted}), "span_ids": [span["SpanId"] for span in wanted]}
    return _contents(keyed.select(client, "replay_contents", {**scope, **ids}))


def _wanted(rows: Sequence[Row], spans: Mapping[str, Sequence[Row]]) -> list[Row]:
    wanted: list[Row] = []
    size = 0
    for row in rows:
        for span in filter(is_step, spans.get(row["TraceId"], ())):
            size += span["Bytes"]
            if size <= MAX_CONTENT or not wanted:
                wanted.append(span)
    return wanted


def _contents(rows: Iterable[Row]) -> dict[Key, Content]:
    events = ((row, list(zip(row["EventNames"], row["EventAttributes"], strict=True))) for row in rows)
    return {(row["TraceId"], row["SpanId"]): Content(row["SpanAttributes"], said) for row, said in events}


def stretches(client: Client, scope: Row, most: int) -> Generator[tuple[list[Row], dict[str, list[Row]]]]:
    """The turns of a session, as many at once as fit into `most` bytes, with their spans: what `replay.build` takes.

    A session of very many turns is read at each step in most of its parts, so that many turns are asked for together,
    and made into rows as far as they are needed. Where many are read at a time each has a part of that, so that all
    together take what some do.
    """
    reader = object()
    _reading.add(reader)
    try:
        after, ahead = FIRST, list[Row]()
        while ahead := ahead or turn_rows(client, scope, after, _part(_TURNS_AT_ONCE)):
            counts = [*accumulate(row["SpanCount"] for row in ahead)]
            size = max(1, bisect_right(counts, min(_part(_SPANS_AT_ONCE), MAX_SPANS)))
            rows, ahead = ahead[:size], ahead[size:]
            after = rows[-1]["StartTime"], rows[-1]["TraceId"]
            with_spans = _with_spans(rows, _spans(client, scope, _ids(rows)))
            for some in bounded(with_spans, _held, _part(min(most, MAX_CONTENT))):
                yield [row for row, _ in some], {row["TraceId"]: spans for row, spans in some}
                del some
    finally:
        _reading.discard(reader)


def _part(most: int) -> int:
    return max(1, most * _IN_FULL // max(_IN_FULL, len(_reading)))


def _held(turn: tuple[Row, Sequence[Row]]) -> int:
    return _size(turn[1]) + _ROW * len(turn[1])


def _with_spans(rows: Iterable[Row], spans: Iterator[Row]) -> Iterator[tuple[Row, list[Row]]]:
    by_trace = groupby(spans, itemgetter("TraceId"))
    trace_id, found = next(by_trace, ("", ()))
    for row in rows:
        if row["TraceId"] != trace_id:  # deleted meanwhile
            yield row, []
            continue
        yield row, [*found]
        trace_id, found = next(by_trace, ("", ()))

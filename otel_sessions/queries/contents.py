# SPDX-License-Identifier: Apache-2.0
"""Turns of a session read in bounds of bytes and spans: their spans, and what the steps among them say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sessions.genai.transcript import Event
from otel_sessions.queries import keyed
from otel_sessions.queries.rows import Row

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Place: TypeAlias = "tuple[str, str]"
"""Start and trace of a turn."""

MAX_CONTENT: Final = 8 * 2**20
"""Bytes of attributes and events that are read for a page."""
MAX_SPANS: Final = 20_000
"""Spans that are read for a page; of a turn with more, the first."""

FIRST: Final[Place] = ("1900-01-01 00:00:00", "")
"""The place before all turns."""
_TURNS_AT_ONCE: Final = 1_000
_FEW_SPANS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a span says."""

    attributes: Mapping[str, str]
    events: Sequence[Event] = ()


Key: TypeAlias = "tuple[str, str]"
"""Trace and span."""


def is_step(span: Row) -> bool:
    """Whether a span is shown: it is of a kind, or failed."""
    return bool(span["StepKind"] not in ("", "other") or span["StatusCode"] == "Error")


def turn_rows(client: Client, scope: Row, after: Place, limit: int) -> list[Row]:
    return keyed.turns_behind(client, {**scope, "time": after[0], "trace_id": after[1], "limit": limit})


def read(
    client: Client, scope: Row, rows: Sequence[Row], few: int | None = None
) -> tuple[dict[str, list[Row]], dict[Key, Content], int]:
    """The spans of these turns, what their steps say, and how many turns fit into a page; in one statement where they
    have at most `few` spans.
    """
    ids = [row["TraceId"] for row in rows]
    count = sum(row["SpanCount"] for row in rows)
    is_few = 0 < count <= min(_FEW_SPANS if few is None else few, MAX_SPANS)
    found = keyed.select(client, "replay_whole", {**scope, "trace_ids": ids}) if is_few else []
    if len(found) != count:  # too many, or more than is read at once
        spans = _spans(client, scope, ids)
        fitting = _fitting(rows, spans)
        return spans, contents_of(client, scope, rows[:fitting], spans), fitting
    spans = _by_trace(sorted(found, key=lambda row: (row["Timestamp"], row["SpanId"])))
    fitting = _fitting(rows, spans)
    return spans, _contents(_wanted(rows[:fitting], spans)), fitting


def _by_trace(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["TraceId"], []).append(row)
    return found


def _spans(client: Client, scope: Row, trace_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The spans of these traces by trace; of the last one not all, if they are too many."""
    wanted = {**scope, "trace_ids": list(trace_ids), "limit": MAX_SPANS}
    return _by_trace(keyed.select(client, "replay_spans", wanted)) if trace_ids else {}


def _fitting(rows: Sequence[Row], spans: Mapping[str, Sequence[Row]], most: int | None = None) -> int:
    """How many of the turns fit into a page, or into `most` bytes, by what is read of them; at least one."""
    most = min(most or MAX_CONTENT, MAX_CONTENT)
    size, count = 0, 0
    for number, row in enumerate(rows):
        mine = spans.get(row["TraceId"], ())
        size += sum(span["Bytes"] for span in mine if is_step(span))
        count += len(mine)
        if number and (size > most or count >= MAX_SPANS):
            return number
    return len(rows)


def contents_of(
    client: Client, scope: Row, rows: Sequence[Row], spans: Mapping[str, Sequence[Row]]
) -> dict[Key, Content]:
    """What the steps of these turns say, as far as it fits."""
    if not (wanted := _wanted(rows, spans)):
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


def stretches(client: Client, scope: Row, most: int) -> Iterator[tuple[list[Row], dict[str, list[Row]]]]:
    """The turns of a session, as many at once as fit into `most` bytes, with their spans: what `replay.build` takes.

    A session of very many turns is read at each step in most of its parts, so that many turns are asked for together.
    """
    after, ahead = FIRST, list[Row]()
    while ahead := ahead or turn_rows(client, scope, after, _TURNS_AT_ONCE):
        counts = accumulate(row["SpanCount"] for row in ahead)
        size = max(1, sum(1 for _ in takewhile(lambda count: count <= MAX_SPANS, counts)))
        rows, ahead = ahead[:size], ahead[size:]
        after = rows[-1]["StartTime"], rows[-1]["TraceId"]
        spans = _spans(client, scope, [row["TraceId"] for row in rows])
        while rows:
            fitting = _fitting(rows, spans, most)
            yield rows[:fitting], spans
            del rows[:fitting]

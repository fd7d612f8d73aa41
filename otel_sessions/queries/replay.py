# SPDX-License-Identifier: Apache-2.0
"""The replay of a session: its turns in order, with the steps and messages of each, page by page.

    memory = Memory()                                     # one for a service: remembers what earlier pages held
    page = turns(client, project="default", session_id="chat-1", limit=50, memory=memory)
    page = turns(client, ..., cursor=page["next_cursor"], memory=memory)

A page is `{"turns", "messages", "tools", "next_cursor"}`. Each distinct message (`genai.messages`) and definition of a
tool stands once in the tables of the page, and steps refer to its number there. `build` makes a page from rows and what
came before; `turns` reads the rows, oldest turn first, in bounds of bytes and steps: what did not fit begins the next.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, takewhile
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otel_sessions.genai.transcript import Event, Reader, Step
from otel_sessions.queries import keyed, shapes
from otel_sessions.queries.distinct import Entry, Table
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.paging import decode, encode
from otel_sessions.queries.rows import Row, nanoseconds, rfc3339, snake_case

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Place: TypeAlias = "tuple[str, str]"
"""Start and trace of a turn."""
Position: TypeAlias = "tuple[str, str, int]"
"""Start and trace of a turn, and the number of a step in it."""

MAX_CONTENT: Final = 32 * 2**20
"""Bytes of attributes and events that are read for a page."""
MAX_TABLE: Final = 8 * 2**20
"""Bytes of distinct messages and tools after which a page ends with the turn that has them."""
MAX_REFS: Final = 10_000
"""References to messages after which it ends too: of a history that grows, turns refer to more and more."""
MAX_SPANS: Final = 20_000
"""Spans that are read for a page; of a turn with more, the first."""
MAX_REMEMBERED: Final = 1_000_000
"""Messages that a `Memory` knows of, over all sessions."""
MAX_CAUGHT_UP: Final = 256 * 2**20
"""Bytes that are read anew where earlier pages are forgotten; what is before them counts as never said."""

_FIRST: Final = ("1900-01-01 00:00:00", "")
_TURNS_AT_ONCE: Final = 1_000
_FEW_SPANS: Final = 1_000
_TOKENS: Final = (
    *("InputTokens", "OutputTokens", "CachedInputTokens", "CacheCreationInputTokens", "ReasoningTokens"),
    *("TotalTokens", "Cost"),
)
_TURN: Final = ("TraceId", "Name", "UserId", "StartTime", "EndTime", "Input", "Output", "ErrorCount", *_TOKENS)
_SHORT: Final = 200
"""Characters that are shown of the input and output of a turn whose messages stand on the page anyway."""
_COMPACTED: Final = "gen_ai.conversation.compacted"
_EXCEPTION: Final = "exception"
_AGENTS: Final = 20
"""Agents whose last turn a cursor remembers."""
_MAX_AGENT: Final = 100


@dataclass(slots=True)
class History:
    """What was said in a session, and where first, up to a turn."""

    covered: Place = _FIRST
    said: dict[bytes, Position] = field(default_factory=dict)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def forget_oldest(self) -> None:
        """Leaves as many as a `Memory` may know of; what was said before them counts as never said."""
        for digest in [*islice(self.said, max(0, len(self.said) - MAX_REMEMBERED))]:
            del self.said[digest]


class Memory:
    """The histories of the sessions that were replayed last, bounded in messages. For several threads."""

    def __init__(self) -> None:
        self._histories: OrderedDict[tuple[str, str], History] = OrderedDict()
        self._turn = threading.Lock()

    def history(self, project: str, session_id: str) -> History:
        with self._turn:
            found = self._histories.setdefault((project, session_id), History())
            self._histories.move_to_end((project, session_id))
            while (
                len(self._histories) > 1 and sum(len(each.said) for each in self._histories.values()) > MAX_REMEMBERED
            ):
                self._histories.popitem(last=False)
            return found


Peaks: TypeAlias = "dict[str, tuple[int, int]]"
"""Of each agent, in its last turn: the most tokens that went into a call, and the messages of that call."""


def turns(
    client: Client,
    *,
    project: str,
    session_id: str,
    limit: int,
    cursor: str | None = None,
    preview: int | None = None,
    memory: Memory | None = None,
) -> dict[str, Any]:
    """A page of at most `limit` turns, those after `cursor`; texts cut to `preview` characters.

    Without a turn the page is empty: whether the session exists is asked elsewhere. Raises `CursorError`, `Retryable`,
    `QueryError`.
    """
    list_ = ("turns", project, session_id)
    start, trace_id, peaks = decode(list_, cursor) if cursor else (*_FIRST, {})
    scope = {"project": project, "session_id": session_id}
    client = client if is_frozen(client) else keyed.remembering(client, {})
    history = (memory or Memory()).history(project, session_id)
    with history.turn:
        if not cursor:
            history.covered, history.said = _FIRST, {}
        elif history.covered < (start, trace_id):
            _catch_up(client, scope, history, (start, trace_id))
        rows = _turn_rows(client, scope, (start, trace_id), limit + 1)
        spans, contents, fitting = _read(client, scope, rows[:limit])
        ended = keyed.select(client, "replay_end", {**scope, "time": start, "trace_id": trace_id}) if cursor else []
        ended_ns = nanoseconds(ended[0]["EndTime"]) if ended and ended[0]["Turns"] else None
        before = Before(history.said, {agent: tuple(peak) for agent, peak in peaks.items()}, ended_ns)
        page = build(rows[:fitting], spans, contents, before, preview=preview)
        shown = len(page["turns"])
        if shown:
            last = (rows[shown - 1]["StartTime"], rows[shown - 1]["TraceId"])
            history.covered = max(history.covered, last)
            history.forget_oldest()
            if len(rows) > shown:
                page["next_cursor"] = encode(list_, (*last, before.peaks))
        return page


def check_cursor(*, project: str, session_id: str, cursor: str) -> None:
    """Raises `CursorError` for one that no page of the session's turns gave."""
    decode(("turns", project, session_id), cursor)


@dataclass(slots=True)
class Before:
    """What came before the turns of a page; kept up to date with them."""

    said: dict[bytes, Position] = field(default_factory=dict)
    """Where each message was said first, by its digest."""
    peaks: Peaks = field(default_factory=dict)
    ended_ns: int | None = None
    """The latest end of all turns before."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a span says."""

    attributes: Mapping[str, str]
    events: Sequence[Event] = ()


Key: TypeAlias = "tuple[str, str]"
"""Trace and span."""


def build(
    rows: Sequence[Row],
    spans: Mapping[str, Sequence[Row]],
    contents: Mapping[Key, Content],
    before: Before,
    *,
    preview: int | None = None,
    bounded: bool = True,
) -> dict[str, Any]:
    """A page of these turns, less those after one that fills it.

    `rows` are of `session_traces`, in order; `spans` those of `session_spans` by trace, in the order of their starts;
    `contents` what those say that are steps. Steps without content have no messages.
    """
    reader, messages, tools = Reader(), Table(preview), Table(preview)
    shown: list[dict[str, Any]] = []
    for row in rows:
        if bounded and (messages.size + tools.size > MAX_TABLE or messages.refs > MAX_REFS):
            break
        steps = [span for span in spans.get(row["TraceId"], ()) if is_step(span)]
        agents = _agents(spans.get(row["TraceId"], ()))
        peaks: Peaks = {}
        made = []
        for number, span in enumerate(steps):
            content = contents.get((span["TraceId"], span["SpanId"]))
            position = (row["StartTime"], row["TraceId"], number)
            step = _step(span, agents[span["SpanId"]], content, reader)
            said = step.pop("_said")
            into, out = ([messages.add(each) for each in side] for side in (said.input, said.output))
            step = shapes.cut(step, preview) | {
                "tools": [tools.add(each).ref for each in said.tools],
                "messages_in": [each.ref for each in into],
                "repeated": _repeated(before, into, position),
                "messages_out": [each.ref for each in out],
            }
            for each in (*into, *out):
                before.said.setdefault(each.digest, position)
            _note_peak(peaks, span, step)
            made.append(step)
        _mark_compacted(made, before.peaks, peaks)
        kept = [(agent, peak) for agent, peak in (before.peaks | peaks).items() if len(agent) <= _MAX_AGENT]
        before.peaks = dict(kept[-_AGENTS:])
        has_messages = any(step["messages_in"] or step["messages_out"] for step in made)
        shown.append({**_turn(row, before, preview, _SHORT if has_messages else None), "steps": made})
    return {"turns": shown, "messages": messages.rows, "tools": tools.rows, "next_cursor": None}


def is_step(span: Row) -> bool:
    """Whether a span is shown: it is of a kind, or failed."""
    return bool(span["StepKind"] not in ("", "other") or span["StatusCode"] == "Error")


def _step(span: Row, agent: str, content: Content | None, reader: Reader) -> dict[str, Any]:
    attributes, events = (content.attributes, content.events) if content else ({}, ())
    kind = span["StepKind"] or "other"
    failed = span["StatusCode"] == "Error"
    raised = (each.get("exception.message", "") for name, each in events if name == _EXCEPTION)
    return {
        "span_id": span["SpanId"],
        "parent_span_id": span["ParentSpanId"],
        "kind": kind,
        "name": span["StepName"],
        "agent": agent,
        "start_time": rfc3339(span["Timestamp"]),
        "duration_ns": span["Duration"],
        "status": span["StatusCode"].lower() or "unset",
        "error": (span["StatusMessage"] or next(filter(None, raised), "") or span["StepName"]) if failed else "",
        "model": span["Model"],
        **{snake_case(name): span[name] for name in _TOKENS},
        "cost_source": span["CostSource"],
        "compacted": attributes.get(_COMPACTED) == "true",
        "compacted_from": None,
        "_said": reader.step(attributes, events, kind, span["StepName"]) if content else Step(),
    }


def _turn(row: Row, before: Before, *previews: int | None) -> dict[str, Any]:
    preview = min((each for each in previews if each is not None), default=None)
    start, end = nanoseconds(row["StartTime"]), nanoseconds(row["EndTime"])
    shown = {snake_case(name): rfc3339(row[name]) if name.endswith("Time") else row[name] for name in _TURN}
    shown["duration_ns"] = row["Duration"]
    shown["gap_ns"] = max(start - before.ended_ns, 0) if before.ended_ns is not None else 0
    before.ended_ns = max(end, before.ended_ns or end)
    return shapes.cut(shown, preview)


def _repeated(before: Before, entries: Sequence[Entry], position: Position) -> int:
    """How many of the first entries were said in an earlier step."""
    firsts = (before.said.get(entry.digest) for entry in entries)
    return sum(1 for _ in takewhile(lambda first: first is not None and first < position, firsts))


def _agents(spans: Iterable[Row]) -> dict[str, str]:
    """Of each span the agent that the nearest span upwards names, itself included; empty without any."""
    rows = {span["SpanId"]: span for span in spans}
    found: dict[str, str] = {}
    for span_id in rows:
        path: list[str] = []
        at = span_id
        while at in rows and at not in found and not rows[at]["AgentName"] and len(path) <= len(rows):
            path.append(at)
            at = rows[at]["ParentSpanId"]
        agent = found.get(at) or (rows[at]["AgentName"] if at in rows else "")
        found.update(dict.fromkeys((*path, span_id), agent))
    return found


def _note_peak(peaks: Peaks, span: Row, step: Mapping[str, Any]) -> None:
    if span["IsModelCall"] and span["InputTokens"] > peaks.get(step["agent"], (0, 0))[0]:
        peaks[step["agent"]] = span["InputTokens"], len(step["messages_in"])


def _mark_compacted(steps: Sequence[dict[str, Any]], last: Peaks, now: Peaks) -> None:
    """Marks the first call of an agent whose input fell since its last turn, unless no message is missing, with how
    many tokens went in then. What the application says of the call itself stays as it is.
    """
    for agent, (tokens, messages) in now.items():
        before = last.get(agent)
        if before and tokens < before[0] and not messages >= before[1] > 0:
            first = next(step for step in steps if step["agent"] == agent and step["input_tokens"])
            if not first["compacted"]:
                first |= {"compacted": True, "compacted_from": before[0]}


def _turn_rows(client: Client, scope: Row, after: Place, limit: int) -> list[Row]:
    return keyed.turns_behind(client, {**scope, "time": after[0], "trace_id": after[1], "limit": limit})


def _read(client: Client, scope: Row, rows: Sequence[Row]) -> tuple[dict[str, list[Row]], dict[Key, Content], int]:
    """The spans of these turns, what their steps say, and how many turns fit into a page; few in one statement."""
    ids = [row["TraceId"] for row in rows]
    count = sum(row["SpanCount"] for row in rows)
    is_few = 0 < count <= min(_FEW_SPANS, MAX_SPANS)
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


def _catch_up(client: Client, scope: Row, history: History, until: Place) -> None:
    """Learns what was said in the turns up to this one that the history does not cover."""
    left = MAX_CAUGHT_UP
    for rows, spans in stretches(client, scope, history.covered, until):
        left -= sum(span["Bytes"] for row in rows for span in spans.get(row["TraceId"], ()) if is_step(span))
        if left < 0:
            break
        build(rows, spans, contents_of(client, scope, rows, spans), Before(history.said), bounded=False)
    history.covered = until


def stretches(
    client: Client, scope: Row, after: Place = _FIRST, until: Place | None = None, most: int | None = None
) -> Iterator[tuple[list[Row], dict[str, list[Row]]]]:
    """The turns after one and up to another, as many at once as fit, into `most` bytes if that is said, with their
    spans: what `build` takes.

    A session of very many turns is read at each step in most of its parts, so that many turns are asked for together.
    """
    turn_rows: list[Row] = []
    while turn_rows := turn_rows or _turn_rows(client, scope, after, _TURNS_AT_ONCE):
        counts = accumulate(row["SpanCount"] for row in turn_rows)
        size = max(1, sum(1 for _ in takewhile(lambda count: count <= MAX_SPANS, counts)))
        rows, turn_rows = turn_rows[:size], turn_rows[size:]
        after = rows[-1]["StartTime"], rows[-1]["TraceId"]
        if until is not None and after >= until:
            rows, turn_rows = [row for row in rows if (row["StartTime"], row["TraceId"]) <= until], []
        spans = _spans(client, scope, [row["TraceId"] for row in rows])
        while rows:
            fitting = _fitting(rows, spans, most)
            yield rows[:fitting], spans
            del rows[:fitting]
        if until is not None and after >= until:
            return

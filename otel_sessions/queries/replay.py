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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from otel_sessions.genai.messages import Message, words
from otel_sessions.genai.transcript import Reader, Step
from otel_sessions.queries import keyed, shapes
from otel_sessions.queries.contents import FIRST, TOKENS, TURN, Content, Key, is_step, read_behind
from otel_sessions.queries.distinct import Entry, Table
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.history import History, Memory, Position
from otel_sessions.queries.paging import decode, encode
from otel_sessions.queries.rows import Row, nanoseconds, rfc3339, snake_case
from otel_sessions.queries.steps import agents_of, error_of

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

MAX_TABLE: Final = 8 * 2**20
"""Bytes of distinct messages and tools after which a page ends with the turn that has them."""
MAX_REFS: Final = 10_000
"""References to messages after which it ends too: of a history that grows, turns refer to more and more."""

SPEAKING: Final = ("model", "agent", "chain")
"""Kinds of steps whose messages are what was said in a turn."""
_TOKENS: Final = tuple((name, snake_case(name)) for name in TOKENS)
_SHORT: Final = 80
"""Characters that are shown of the input and output of a turn that stand in its messages, on the page anyway: where
people write a line or two, more would be a third of the page.
"""
_COMPACTED: Final = "gen_ai.conversation.compacted"
_AGENTS: Final = 20
"""Agents whose last turn a cursor remembers."""
_MAX_AGENT: Final = 100


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
    start, trace_id, peaks = decode(list_, cursor) if cursor else (*FIRST, {})
    scope = {"project": project, "session_id": session_id}
    client = client if is_frozen(client) else keyed.remembering(client, {})
    known = (memory or Memory()).history(project, session_id)
    # Nothing was said before the first page: what is remembered, of later pages perhaps, is not asked for.
    history = known if cursor else History()
    with history.alone():
        ended_ns = history.reach(client, scope, (start, trace_id)) if cursor else None
        before = Before(history.said, {agent: tuple(peak) for agent, peak in peaks.items()}, ended_ns)
        rows, (spans, contents, fitting) = read_behind(client, scope, (start, trace_id), limit)
        built = build(rows[:fitting], spans, contents, before, preview=preview)
        page: dict[str, Any] = {"turns": built.turns, "messages": built.messages.rows, "tools": built.tools.rows}
        page["next_cursor"] = None
        shown = rows[: len(built.turns)]
        if shown:
            last = (shown[-1]["StartTime"], shown[-1]["TraceId"])
            history.cover(last, sum(row["SpanCount"] for row in shown))
            if history is not known:
                known.learn(history)
            if len(rows) > len(shown):
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


class Built(NamedTuple):
    """Turns, and what their steps refer to by number."""

    turns: list[dict[str, Any]]
    messages: Table
    tools: Table


def build(
    rows: Sequence[Row],
    spans: Mapping[str, Sequence[Row]],
    contents: Mapping[Key, Content],
    before: Before,
    *,
    preview: int | None = None,
    bounded: bool = True,
    whole: bool = True,
) -> Built:
    """These turns, less those after one that fills a page where it is `bounded`.

    `rows` are of `session_traces`, in order; `spans` those of `session_spans` by trace, in the order of their starts;
    `contents` what those say that are steps. Steps without content have no messages. Where they are not `whole`, none
    has the tools that it was offered, nor how many of its messages are `repeated`.
    """
    reader, messages, tools = Reader(), Table(preview), Table(preview)
    shown: list[dict[str, Any]] = []
    for row in rows:
        if bounded and (messages.size + tools.size > MAX_TABLE or messages.refs > MAX_REFS):
            break
        steps = [span for span in spans.get(row["TraceId"], ()) if is_step(span)]
        agents = agents_of(spans.get(row["TraceId"], ()))
        peaks: Peaks = {}
        made = []
        for number, span in enumerate(steps):
            content = contents.get((span["TraceId"], span["SpanId"]))
            position = (row["StartTime"], row["TraceId"], number)
            step = _step(span, agents[span["SpanId"]], content, reader, with_tools=whole)
            said = step.pop("_said")
            into, out = ([messages.add(each) for each in side] for side in (said.input, said.output))
            step = shapes.cut(step, preview) | {
                "tools": [tools.add(each).ref for each in said.tools],
                "messages_in": [each.ref for each in into],
                "repeated": _repeated(before, into, position) if whole else 0,
                "messages_out": [each.ref for each in out],
            }
            for each in (*into, *out) if whole else ():
                _note(before.said, each.digest, position)
            _note_peak(peaks, span, step)
            made.append(step)
        _mark_compacted(made, before.peaks, peaks)
        kept = [(agent, peak) for agent, peak in (before.peaks | peaks).items() if len(agent) <= _MAX_AGENT]
        before.peaks = dict(kept[-_AGENTS:])
        shown.append({**_shortened(_turn(row, before, preview), made, messages.rows), "steps": made})
    return Built(shown, messages, tools)


def is_spoken(step: Mapping[str, Any]) -> bool:
    """Whether the messages of a step are what was said in its turn; those of a tool are not."""
    has_messages = step["messages_in"] or step["messages_out"]
    return bool(has_messages) and step["kind"] in SPEAKING


def _shortened(turn: dict[str, Any], steps: Sequence[Mapping[str, Any]], messages: Sequence[Message]) -> dict[str, Any]:
    """The turn with no more than `_SHORT` characters of its input and output, where a message of its steps says them.

    A root that is no step may have another text, as it was asked before a prompt was made of it: that stands nowhere
    else on the page.
    """
    for name, refs in (("input", "messages_in"), ("output", "messages_out")):
        text = turn[name]
        if len(text) <= _SHORT:
            continue
        said = (messages[ref] for step in steps if is_spoken(step) for ref in reversed(step[refs]))
        if any(words(message).startswith(text) for message in said):
            turn[name] = text[:_SHORT]
            turn.setdefault(f"{name}_length", len(text))
    return turn


def _note(said: dict[bytes, Position], digest: bytes, position: Position) -> None:
    """Notes that a message was said: it stands last now, with the first position where it was."""
    first = said.pop(digest, position)
    said[digest] = min(first, position)


def _step(span: Row, agent: str, content: Content | None, reader: Reader, *, with_tools: bool) -> dict[str, Any]:
    attributes, events = (content.attributes, content.events) if content else ({}, ())
    kind = span["StepKind"] or "other"
    return {
        "span_id": span["SpanId"],
        "parent_span_id": span["ParentSpanId"],
        "kind": kind,
        "name": span["StepName"],
        "agent": agent,
        "start_time": rfc3339(span["Timestamp"]),
        "duration_ns": span["Duration"],
        "status": span["StatusCode"].lower() or "unset",
        "error": error_of(span["StatusCode"], span["StatusMessage"], events, span["StepName"]),
        "model": span["Model"],
        **{member: span[name] for name, member in _TOKENS},
        "cost_source": span["CostSource"],
        "compacted": attributes.get(_COMPACTED) == "true",
        "_said": reader.step(attributes, events, kind, span["StepName"], with_tools=with_tools) if content else Step(),
    }


def _turn(row: Row, before: Before, preview: int | None) -> dict[str, Any]:
    start, end = nanoseconds(row["StartTime"]), nanoseconds(row["EndTime"])
    shown = {snake_case(name): rfc3339(row[name]) if name.endswith("Time") else row[name] for name in TURN}
    shown["duration_ns"] = row["Duration"]
    shown["gap_ns"] = max(start - before.ended_ns, 0) if before.ended_ns is not None else 0
    before.ended_ns = max(end, before.ended_ns or end)
    return shapes.cut(shown, preview)


def _repeated(before: Before, entries: Sequence[Entry], position: Position) -> int:
    """How many of the first entries were said in an earlier step."""
    firsts = (before.said.get(entry.digest) for entry in entries)
    return sum(1 for _ in takewhile(lambda first: first is not None and first < position, firsts))


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

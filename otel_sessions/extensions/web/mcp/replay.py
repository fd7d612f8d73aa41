# SPDX-License-Identifier: Apache-2.0
"""A session for a model to read: figures, turns, steps and what was said, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from otel_sessions.extensions.web.mcp import budget
from otel_sessions.extensions.web.mcp.budget import Level, fold
from otel_sessions.queries.rows import Row

_TEXTS: Final[tuple[Level, ...]] = ((8000, 1000), (2000, 200), (600, 100), (250, 50))
_ALWAYS: Final = frozenset({"span_id", "kind", "name", "status"})
_BARE: Final = ("span_id", "kind", "name", "status", "error")
_OUTLINE: Final = ("trace_id", "start_time", "duration_ns", "input", "output", "error_count")
_TOOL_SHARE: Final = 4
"""A tool's result may have one part in so many of what a text may have."""
_RESULT: Final = "tool_result"


def replay(page: Callable[[int], Row], most: int, max_tokens: int) -> Iterator[Row]:
    """Ever smaller answers out of what `page` has for a number of turns: with shorter texts, then fewer turns, then
    steps without what was said, then turns alone.
    """
    whole = page(most)
    for level in _TEXTS:
        yield _told(whole, level)
    fewer = whole
    for fewer in budget.with_fewer(page, whole, len(whole["turns"]), lambda each: _told(each, _TEXTS[2]), max_tokens):
        yield _told(fewer, _TEXTS[2])
    yield _told(fewer, (250, 50))
    yield _told(fewer, (60, 20))
    for items in (1000, 300, 100, 30, 8):
        yield _bare(fewer, items)
    for items in (30, 8, 2):
        yield _outline(fewer, items)
    turns = [{"trace_id": turn["trace_id"], "steps_length": len(turn["steps"])} for turn in fewer["turns"]]
    yield {"turns": turns, "next_cursor": fewer["next_cursor"], "folded": "query_sql has its spans in session_spans"}


def _told(page: Row, level: Level) -> Row:
    """The page with repeated history left out, and what is 0 or empty of a step; results of tools are shorter still."""
    messages, tools = _Table(page["messages"]), _Table(page["tools"])
    turns = [{**turn, "steps": [_step(step, messages, tools) for step in turn["steps"]]} for turn in page["turns"]]
    levels = {_RESULT: (max(60, level[0] // _TOOL_SHARE), level[1])}
    return {
        "session": fold(page["session"], (min(300, level[0]), level[1])),
        "turns": [fold(turn, level) for turn in turns],
        "messages": [
            {**message, "parts": [fold(part, levels.get(part.get("type"), level)) for part in message["parts"]]}
            for message in messages.kept
        ],
        "tools": [fold(tool, level) for tool in tools.kept],
        "next_cursor": page["next_cursor"],
    }


def _step(step: Mapping[str, Any], messages: _Table, tools: _Table) -> Row:
    """A step that refers to what the tables keep, less what is 0 or empty."""
    refs = {
        "messages_in": messages.refs(step["messages_in"][step["repeated"] :]),
        "messages_out": messages.refs(step["messages_out"]),
        "tools": tools.refs(step["tools"]),
    }
    return {name: value for name, value in {**step, **refs}.items() if value or name in _ALWAYS}


class _Table:
    """Keeps those rows of a table that are referred to, and numbers them anew."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._numbers: dict[int, int] = {}
        self.kept: list[Row] = []

    def refs(self, old: Sequence[int]) -> list[int]:
        for ref in old:
            if ref not in self._numbers:
                self._numbers[ref] = len(self.kept)
                self.kept.append(self._rows[ref])
        return [self._numbers[ref] for ref in old]


def _bare(page: Row, items: int) -> Row:
    """The page with the names and ids of steps alone, at most `items` of each turn."""
    turns = []
    for turn in page["turns"]:
        steps = [{name: step[name] for name in _BARE if step[name]} for step in turn["steps"][:items]]
        cut = {"steps_length": len(turn["steps"])} if len(turn["steps"]) > items else {}
        turns.append(fold({**turn, "steps": []}, (60, 8)) | {"steps": fold(steps, (60, items))} | cut)
    return {
        "session": fold(page["session"], (60, 8)),
        "turns": turns,
        "next_cursor": page["next_cursor"],
        "folded": "read_step opens a step by its trace_id and span_id",
    }


def _outline(page: Row, items: int) -> Row:
    """The page with what each turn began and ended with, and at most `items` of its steps by name."""
    turns = []
    for turn in page["turns"]:
        steps = [{name: step[name] for name in ("span_id", "kind", "name")} for step in turn["steps"][:items]]
        shown = {name: turn[name] for name in _OUTLINE} | {"steps": steps, "steps_length": len(turn["steps"])}
        turns.append(fold(shown, (60, items)))
    session_id = page["session"]["session_id"]
    return {"session": {"session_id": session_id}, "turns": turns, "next_cursor": page["next_cursor"]}

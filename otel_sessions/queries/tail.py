# SPDX-License-Identifier: Apache-2.0
"""Turns of all sessions as they arrive: which of those that are there now a reader has not had, or not as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from otel_sessions.queries.filters import Filter
from otel_sessions.queries.rows import Row, composed, run

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client


@dataclass
class Seen:
    """What a reader has had: the state of each turn when it was given, and of those that are not settled yet."""

    states: dict[tuple[str, str], Any] = field(default_factory=dict)
    unsettled: dict[tuple[str, str], Any] = field(default_factory=dict)

    def add(self, turns: Iterable[Row]) -> None:
        """Takes these as given."""
        self.states.update((_key(turn), _state(turn)) for turn in turns)

    def news(self, turns: Iterable[Row], *, at_once: bool = False) -> Iterator[Row]:
        """Those that are new or have changed, once they stay as they are from one look to the next, or `at_once`."""
        for turn in turns:
            key, state = _key(turn), _state(turn)
            if self.states.get(key) == state:
                self.unsettled.pop(key, None)
            elif at_once or self.unsettled.get(key) == state:
                self.states[key] = state
                self.unsettled.pop(key, None)
                yield turn
            else:
                self.unsettled[key] = state

    def copy(self) -> Seen:
        return Seen(dict(self.states), dict(self.unsettled))


def recent_turns(client: Client, *, project: str, query: str, seconds: int, now_ns: int) -> list[Row]:
    """The turns of which spans were stored in the last `seconds`, by their start, of the sessions that `query` chooses;
    in the columns of `session_traces`. Raises `LanguageError`.
    """
    condition = Filter(query=query).condition(now_ns)
    sql = composed("recent_turns", CONDITION=condition.sql)
    return run(client, sql, {"project": project, "seconds": seconds, **condition.parameters})


def _key(turn: Row) -> tuple[str, str]:
    return turn["SessionId"], turn["TraceId"]


def _state(turn: Row) -> Any:
    return turn["SpanCount"], turn["ErrorCount"], turn["EndTime"], turn["TotalTokens"], turn["Cost"]

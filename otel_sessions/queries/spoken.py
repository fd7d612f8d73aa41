# SPDX-License-Identifier: Apache-2.0
"""What was said in a session, each message once and whole: for transcripts, data sets and evaluators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.genai.messages import Message
from otel_sessions.queries import contents, replay
from otel_sessions.queries.distinct import Table
from otel_sessions.queries.rows import Row

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_PAGE: Final = 50
_CONTENT: Final = 8 * 2**20
"""Bytes of attributes and events that are read at once: as messages they take several times as much."""
_REMEMBERED: Final = 100_000
_AGENTS_KEPT: Final = 1_000
_AGENTS: Final = 20
"""Agents that spoke last, whose history another may go on with."""
_INSTRUCTIONS: Final = frozenset({"system", "developer"})


def spoken(
    client: Client, *, project: str, session_id: str, whole_steps: bool = True
) -> Iterator[tuple[dict[str, Any], list[Message]]]:
    """The turns of a session as `replay.turns` gives them, each with the messages that were new in it, whole.

    They are those of its model calls; of a turn without any, those of its first agent or chain that has some. Without
    `whole_steps` nothing is read of the messages of other steps, nor of what else they say in a replay.
    """
    among = (lambda _: True) if whole_steps else _may_be_spoken
    scope, before, talk = {"project": project, "session_id": session_id}, replay.Before(), Talk()
    for rows, spans in contents.stretches(client, scope, _CONTENT):
        said = contents.contents_of(client, scope, rows, spans, among)
        for start in range(0, len(rows), _PAGE):
            some = rows[start : start + _PAGE]
            built = replay.build(some, spans, said, before, bounded=False, whole=whole_steps)
            before.said.clear()
            for span in chain.from_iterable(spans.pop(row["TraceId"]) for row in some):
                said.pop((span["TraceId"], span["SpanId"]), None)
            for turn in built.turns:
                yield turn, talk.new(turn["steps"], built.messages)
            del built, turn  # before the next are read
        del said


def _may_be_spoken(span: Row) -> bool:
    """Whether what a step says may be shown as said in its turn, or why it failed."""
    return span["StepKind"] in replay.SPEAKING or span["StatusCode"] == "Error"


class Known:
    """The digests that were added last, at least `_REMEMBERED` of them."""

    def __init__(self) -> None:
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def update(self, digests: Iterable[bytes]) -> None:
        self._new.update(digests)
        if len(self._new) > _REMEMBERED:
            self._old, self._new = self._new, set()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._new or digest in self._old


class Talk:
    """Tells what is new in a step from the history that goes into it again, its own or what another agent handed on.

    What it remembers is bounded in messages and in agents, however long they talk.
    """

    def __init__(self) -> None:
        self._last: dict[str, list[bytes]] = {}
        """What went into the last call of each agent and came out, less its instructions; the latest agent last."""
        self._said = Known()
        self._made = Known()

    def new(self, steps: Sequence[Mapping[str, Any]], messages: Table) -> list[Message]:
        speaking = list(filter(replay.is_spoken, steps))
        chosen = [step for step in speaking if step["kind"] == "model"] or speaking[:1]
        return [messages.rows[ref] for step in chosen for ref in self._refs(step, messages)]

    def _refs(self, step: Mapping[str, Any], messages: Table) -> list[int]:
        given, made = step["messages_in"], step["messages_out"]
        digests = [messages.digests[ref] for ref in (*given, *made)]
        head = sum(1 for _ in takewhile(lambda ref: messages.rows[ref]["role"] in _INSTRUCTIONS, given))
        last, same = self._history(step["agent"], digests[head : len(given)])
        instructions = [place for place in range(head) if last is None or digests[place] not in self._said]
        new = list(range(head + same, len(given)))
        if last is not None and same < len(last):  # it was cut: what was said stays said, but for the last word
            new = [place for place in new if digests[place] not in self._said or place == len(given) - 1]
        self._last.pop(step["agent"], None)
        self._last[step["agent"]] = digests[head:]
        if len(self._last) > _AGENTS_KEPT:
            del self._last[next(iter(self._last))]
        self._said.update(digests)
        self._made.update(digests[len(given) :])
        return [*(given[place] for place in (*instructions, *new)), *made]

    def _history(self, agent: str, given: Sequence[bytes]) -> tuple[list[bytes] | None, int]:
        """The history that goes on, and how much of it is given: the agent's own, or that of which more is, of the
        agents that spoke last. With another agent it must have an answer: the same question is put to several.
        """
        found = self._last.get(agent)
        most = _common(given, found or ())
        for other in islice(reversed(self._last), _AGENTS):
            same = _common(given, self._last[other])
            if same > most and any(digest in self._made for digest in given[:same]):
                found, most = self._last[other], same
        return found, most


def _common(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

# SPDX-License-Identifier: Apache-2.0
"""What an evaluator is: it is called with a session that has fallen idle, and answers with scores.

Plugins register a `Factory` under the entry point group `otel_sessions.evaluators`; see docs/plugins.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

Turn = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""A turn, and the messages that were new in it: `role` and `parts` each."""
GROUP = "otel_sessions.evaluators"
MAX_ANSWERS = 1000
MAX_NAME = 1024


@dataclass(frozen=True, slots=True)
class IdleSession:
    """A session as an evaluator sees it, at its `revision`: how many times it has fallen idle.

    `session` has the members of `GET /api/v1/sessions/{id}`. `read_turns` reads its turns anew at each call, in their
    order: each as `/turns` gives it, with the messages that were new in it.
    """

    project: str
    session_id: str
    revision: int
    session: Mapping[str, Any]
    read_turns: Callable[[], Iterable[Turn]] = field(default=tuple, repr=False)

    def turns(self) -> Iterator[Turn]:
        """Its turns, page by page as they are asked for."""
        yield from self.read_turns()


@dataclass(frozen=True, slots=True)
class Answer:
    """A score: a number, true or false, or a text, of the session, or of one of its traces or spans.

    Raises ValueError for a name or a number that no score can have. The same name and anchor again, of a later revision
    too, replaces.
    """

    name: str
    value: float | bool | str
    comment: str = ""
    trace_id: str = ""
    span_id: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_NAME:
            raise ValueError(f"the name of a score has 1 to {MAX_NAME} characters, not {len(self.name)}")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError(f"the score {self.name!r} is {self.value}, and no finite number")
        if self.span_id and not self.trace_id:
            raise ValueError(f"the score {self.name!r} names a span and not its trace")


@runtime_checkable
class Evaluator(Protocol):
    """Judges sessions. One thread at a time calls it."""

    def evaluate(self, session: IdleSession) -> Iterable[Answer]:
        """At most `MAX_ANSWERS` scores. What it raises is told by health, and it is called again later.

        It may be called with one revision more than once, and should say the same then.
        """
        ...

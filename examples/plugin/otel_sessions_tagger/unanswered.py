# SPDX-License-Identifier: Apache-2.0
"""Evaluator `unanswered`: how many turns of a session were left without an answer, and which."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from otel_sessions.component import ComponentId, Factory, Host, Settings
from otel_sessions.evaluators import Answer, IdleSession


class UnansweredConfig(Settings):
    """An answer of fewer than `min_chars` characters is none."""

    min_chars: int = Field(default=1, ge=1)


class Unanswered:
    """Reads turn by turn: a session may be long."""

    def __init__(self, config: UnansweredConfig) -> None:
        self._min_chars = config.min_chars

    def evaluate(self, session: IdleSession) -> Iterator[Answer]:
        unanswered = [turn["trace_id"] for turn, _ in session.turns() if len(turn["output"].strip()) < self._min_chars]
        yield Answer("unanswered", len(unanswered))
        for trace_id in unanswered[:100]:
            yield Answer("answered", value=False, trace_id=trace_id)


def create(component_id: ComponentId, config: UnansweredConfig, host: Host) -> Unanswered:
    """Called once; what the evaluator needs for its whole life, as a client of a model, is made here."""
    return Unanswered(config)


factory = Factory("unanswered", UnansweredConfig, create, "Counts the turns that were left without an answer.")

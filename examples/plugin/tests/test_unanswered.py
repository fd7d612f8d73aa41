# SPDX-License-Identifier: Apache-2.0
"""The evaluator with sessions as it is given them, and the checks that every evaluator must pass."""

from __future__ import annotations

from otel_sessions_tagger.unanswered import UnansweredConfig, factory

from otel_sessions.component import ComponentId, Host
from otel_sessions.evaluators import Answer, IdleSession
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.contract import check_evaluator


def answers(*outputs: str, **settings: int) -> list[Answer]:
    turns = [({"trace_id": f"{number:032x}", "output": output}, []) for number, output in enumerate(outputs)]
    session = IdleSession("default", "chat-42", 1, {"trace_count": len(turns)}, lambda: turns)
    evaluator = factory.create(ComponentId("evaluation"), UnansweredConfig.model_validate(settings), Host(Metrics()))
    return check_evaluator(evaluator, session)


def test_turns_without_an_answer_are_counted_and_named() -> None:
    assert answers("Yes.", "", "  ") == [
        Answer("unanswered", 2),
        Answer("answered", value=False, trace_id=f"{1:032x}"),
        Answer("answered", value=False, trace_id=f"{2:032x}"),
    ]


def test_what_is_too_short_is_no_answer() -> None:
    assert answers("Yes.", min_chars=10)[0] == Answer("unanswered", 1)
    assert answers() == [Answer("unanswered", 0)]

"""Many small random examples at once: statements cost more than rows, so hundreds of groups of traces share a delivery.

A group has traces, sessions and users of its own, so that what is wrong with one is seen in that one.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

from otel_sessions.testing.oracle import NO_CLAIM, OracleSpan
from otel_sessions.testing.oracle_views import OracleScore
from tests.integration.delivery import EPOCH

S = 1_000_000_000
LEVELS = [1, 1, 2, 3, 4, *[NO_CLAIM] * 5]
BEYOND_2262 = 2**63 + 5
STEPS = {"model": ["gpt-x", "gpt-y", ""], "tool": ["find", "mail", ""], "agent": ["planner", ""], "other": [""]}
METADATA = ["one", "two", "7", "many " * 20]
HOUR = 3600 * S
STEPS_OF_TIME = [(40 * S, S), (40 * S, S), (50 * 60 * S, S), (HOUR, HOUR), (7 * HOUR, 1), (60 * HOUR, 100 * HOUR)]
"""How far spans start from each other, and how long they last: of some groups so that their turns pause for hours."""
ODD = ["", "a/b c", "\u4f60\u597d \U0001f600", "it's", "50%_\\n", "x" * 40]


def crowd(
    rnd: random.Random, project: str, groups: int, versions: float = 0.1, *, over_hours: bool = False
) -> list[OracleSpan]:
    """Spans of so many groups; a share of identities has two versions, told apart by their marks."""
    steps = STEPS_OF_TIME if over_hours else STEPS_OF_TIME[:1]
    return [
        span for number in range(groups) for span in group(rnd, project, number, versions, *steps[number % len(steps)])
    ]


def group(rnd: random.Random, project: str, number: int, versions: float, step: int, lasts: int) -> list[OracleSpan]:
    """Spans of one to four traces with claims of every level mixed, over a few sessions."""
    sessions = [f"g{number}-{rnd.choice(ODD)}-{count}" for count in range(rnd.randint(1, 4))]
    spans = []
    for trace in range(rnd.randint(1, 4)):
        trace_id = f"{int(project.rpartition('-')[2]) + 1:012x}{number:012x}{trace + 1:08x}"
        for count in range(rnd.randint(1, 6)):
            span = _span(
                rnd, number, sessions, OracleSpan(project, trace_id, f"{count + 1:016x}", count == 0), step, lasts
            )
            spans.append(replace(span, mark=f"{len(spans)}"))
            if rnd.random() < versions and not span.is_update:
                other = _span(
                    rnd, number, sessions, OracleSpan(project, trace_id, span.span_id, count == 0), step, lasts
                )
                spans.append(replace(other, is_update=False, mark=f"{len(spans)}"))
    return spans


def scores(rnd: random.Random, spans: list[OracleSpan]) -> list[OracleScore]:
    """Some on sessions, traces and spans."""
    given = []
    for number, span in enumerate(rnd.sample(spans, len(spans) // 5)):
        where = {"session_id": span.claim_id} if span.claim_id and rnd.random() < 0.3 else {"trace_id": span.trace_id}
        if "trace_id" in where and rnd.random() < 0.5:
            where["span_id"] = span.span_id
        given.append(OracleScore(span.project, f"score-{number}", **where))
    return given


def _span(rnd: random.Random, number: int, sessions: list[str], span: OracleSpan, step: int, lasts: int) -> OracleSpan:
    level = rnd.choice(LEVELS)
    start = EPOCH + rnd.randint(0, 5) * step
    end = start + rnd.randint(0, 3) * lasts
    if rnd.random() < 0.05:
        start, end = rnd.choice([(0, 0), (0, end), (BEYOND_2262, BEYOND_2262 + S), (start, start - S), (start, 0)])
    is_root = span.is_root or rnd.random() < 0.1
    update = not span.is_root and rnd.random() < 0.08
    span = replace(
        span,
        is_root=is_root and not update,
        has_parent=is_root and rnd.random() < 0.3,
        is_update=update,
        start=EPOCH + rnd.randint(0, 5) * step if update else start,
        end=end,
        level=level,
        claim_id="" if level == NO_CLAIM else rnd.choice(sessions),
        name=rnd.choice(["", "chat", "run", "plan"]),
    )
    if update:
        span = replace(span, end=span.start)
    return _told(rnd, number, span if update else _stepped(rnd, span))


def _stepped(rnd: random.Random, span: OracleSpan) -> OracleSpan:
    kind = rnd.choice(["model", "model", "tool", "agent", "other"])
    given, made = rnd.randint(0, 50), rnd.randint(0, 50)
    cached = rnd.randint(0, given)
    return replace(
        span,
        kind=kind,
        step_name=rnd.choice(STEPS[kind]),
        error=rnd.random() < 0.3,
        message=rnd.choice(["", "broken", "late"]),
        exception=rnd.choice(["", "", "raised"]),
        input_tokens=given,
        output_tokens=made,
        cached_tokens=cached,
        cache_creation_tokens=rnd.randint(0, given - cached),
        reasoning_tokens=rnd.randint(0, made),
        cost=Decimal(rnd.randint(0, 1000)) / 1000,
        states_cost=rnd.random() < 0.7,
        service=rnd.choice(["", "shop", "bank"]),
        input=rnd.choice(["", "", "hello", "bye"]),
        output=rnd.choice(["", "", "there", "you"]),
    )


def _told(rnd: random.Random, number: int, span: OracleSpan) -> OracleSpan:
    return replace(
        span,
        user=rnd.choice(["", "", "", f"g{number}-ada", f"g{number}-bob"]),
        environment=rnd.choice(["", "", "prod", "test"]),
        tags=tuple(rnd.sample(["a", "b", "c"], rnd.choice([0, 0, 1, 2]))),
        metadata=tuple((key, rnd.choice(METADATA)) for key in rnd.sample(["k", "l"], rnd.choice([0, 0, 1, 2]))),
        trace_name=rnd.choice(["", "", "", "named", "called"]),
        trace_input=rnd.choice(["", "", "", "asked", "told"]),
        trace_output=rnd.choice(["", "", "", "said", "done"]),
    )

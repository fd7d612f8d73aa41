from __future__ import annotations

from typing import cast

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.processors.session.memory import CLAIMED_S, Claim, Claiming, TraceMemory
from otel_sessions.testing.otlp import span
from tests.processors.session.reading import batch_of

BEST: Claim = (1, 0, 5, "s")
WORSE: Claim = (3, 0, 1, "c")
T = ("p", "t")


def _trace(number: int) -> tuple[str, str]:
    return "p", f"t{number}"


def test_the_better_claim_is_kept_whichever_comes_first() -> None:
    memory = TraceMemory(100, 10**6)
    assert memory.improve(T, None) is None
    assert memory.improve(T, WORSE) == WORSE
    assert memory.improve(T, BEST) == BEST
    assert memory.improve(T, WORSE) == BEST
    assert memory.improve(T, None) == BEST


def test_a_trace_without_claim_takes_no_room() -> None:
    memory = TraceMemory(100, 10**6)
    memory.improve(T, None)
    assert len(memory) == 0
    assert not memory


def test_the_memory_is_bounded_in_traces_and_keeps_the_recent_half() -> None:
    memory = TraceMemory(10, 10**6)
    for number in range(1000):
        memory.improve(_trace(number), BEST)
        assert len(memory) <= 10
    assert [memory.improve(_trace(number), None) for number in range(995, 1000)] == [BEST] * 5
    assert memory.improve(_trace(0), None) is None


def test_the_memory_is_bounded_in_bytes() -> None:
    memory = TraceMemory(1000, 100_000)
    for number in range(100):
        memory.improve(_trace(number), (1, 0, 0, "x" * 8192))
        assert len(memory) <= 100_000 // 8192
    assert memory
    memory.improve(T, (1, 0, 0, "x" * 50_000))
    assert memory.improve(T, None) is None


def test_a_trace_that_is_seen_again_is_young_again() -> None:
    memory = TraceMemory(10, 10**6)
    for number in range(100):
        memory.improve(_trace(number), BEST)
        memory.improve(T, BEST)
    assert memory.improve(T, None) == BEST


def test_claims_are_expected_of_services_that_make_some_and_of_those_that_had_no_time_yet() -> None:
    now = [0.0]
    claiming = Claiming(lambda: now[0], young_s=20.0)

    def seen(*spans: Span) -> list[bool]:
        batch = SessionProcessor(SessionConfig()).process(batch_of(*spans, resource={"service.name": "shop"}))
        claiming.see(batch)
        return cast(list[bool], claiming.expects(batch).to_pylist())

    whole, child = span("root", trace_id="1" * 32), span("child", trace_id="2" * 32, parent="a" * 16)
    of_whole = span("child", trace_id="1" * 32, parent=whole)
    many = [child] * 256
    assert seen(whole, of_whole, *many) == [False, False, *[True] * 256], "it has had no time, and one root is there"
    assert seen(*many[1:]) == [False] * 255, "so few are not waited for"
    now[0] = 19.0
    assert seen(*many) == [True] * 256
    now[0] = 20.0
    assert seen(*many) == [False] * 256, "it had time enough"
    claim = span("root", attributes={"session.id": "ada"})
    assert seen(claim, child) == [True, True]
    now[0] += CLAIMED_S
    assert seen(child, whole) == [False, False], "it has not claimed for an hour"

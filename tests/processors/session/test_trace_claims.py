from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.pdata import NO_CLAIM
from otel_sessions.pdata.otlp import decode
from otel_sessions.processors.session import MemorySettings, SessionConfig, SessionProcessor
from otel_sessions.testing.oracle import OracleSpan, assign
from otel_sessions.testing.otlp import request, span
from tests.processors.session.reading import batch_of, rows_of

TRACES = [f"{n:032x}" for n in (1, 2, 3)]
PARENT = "00000000000000aa"
KEYS = {1: "session.id", 3: "gen_ai.conversation.id"}


def _processor(traces: int = 1000, max_bytes: int = 10**6) -> SessionProcessor:
    return SessionProcessor(SessionConfig(memory=MemorySettings(traces=traces, max_bytes=max_bytes)))


def _hints(processor: SessionProcessor, *spans: Span) -> list[str]:
    return [row["SessionHint"] for row in rows_of(processor.process(batch_of(*spans)))]


def _span(trace: int = 0, **fields: object) -> Span:
    return span(trace_id=TRACES[trace], **fields)  # type: ignore[arg-type]


def test_a_root_is_a_span_without_parent_or_one_that_is_marked() -> None:
    mark = "langfuse.internal.is_app_root"
    spans = [_span(), _span(parent=PARENT), _span(parent=PARENT, attributes={mark: True})]
    spans.append(_span(parent=PARENT, attributes={mark: False}))
    rows = rows_of(_processor().process(batch_of(*spans)))
    assert [row["IsRoot"] for row in rows] == [1, 0, 1, 0]


def test_a_claim_gathers_its_trace_and_no_other() -> None:
    spans = [_span(), _span(attributes={"session.id": "s"}), _span(1)]
    rows = rows_of(_processor().process(batch_of(*spans)))
    assert [row["SessionHint"] for row in rows] == ["s", "s", ""]


def test_the_same_trace_id_in_another_project_is_another_trace() -> None:
    claimed = request(_span(attributes={"session.id": "s"})).SerializeToString()
    silent = request(_span()).SerializeToString()
    batch = decode([claimed, silent, silent], ["p", "q", "p"]).batch
    assert [row["SessionHint"] for row in rows_of(_processor().process(batch))] == ["s", "", "s"]


def test_a_span_at_the_best_level_keeps_its_session_and_the_root_decides_the_rest() -> None:
    root = _span(attributes={"session.id": "z"}, start=9)
    child = _span(attributes={"session.id": "a"}, start=1, parent=PARENT)
    agent = _span(attributes={"gen_ai.conversation.id": "c"}, parent=PARENT)
    assert _hints(_processor(), agent, child, root) == ["z", "a", "z"]


def test_start_then_bytes_decide_between_equals() -> None:
    early = _span(attributes={"session.id": "b"}, start=1)
    late = _span(attributes={"session.id": "a"}, start=2**63 + 1, end=2**63 + 2)
    assert _hints(_processor(), late, early, _span()) == ["a", "b", "b"]
    texts = ["\uffff", "\U00010000", "é", "z"]
    spans = [_span(attributes={"session.id": text}) for text in texts]
    assert _hints(_processor(), *spans, _span())[-1] == "z"
    assert _hints(_processor(), *spans[:2], _span())[-1] == "\uffff"


def test_a_conversation_that_is_the_best_claim_takes_the_whole_trace() -> None:
    root = _span(attributes={"gen_ai.conversation.id": "caller's"}, start=9)
    agent = _span(attributes={"gen_ai.conversation.id": "agent's own"}, start=1, parent=PARENT)
    assert _hints(_processor(), root, agent, _span(parent=PARENT)) == ["caller's"] * 3
    assert _hints(_processor(), root, agent, _span(attributes={"session.id": "s"}, parent=PARENT)) == ["s"] * 3


def test_a_claim_is_remembered_in_later_batches() -> None:
    processor = _processor()
    assert _hints(processor, _span()) == [""]
    assert _hints(processor, _span(attributes={"gen_ai.conversation.id": "c"})) == ["c"]
    assert _hints(processor, _span()) == ["c"]
    assert _hints(processor, _span(attributes={"session.id": "s"})) == ["s"]
    assert _hints(processor, _span(attributes={"gen_ai.conversation.id": "c"}), _span(1)) == ["s", ""]


def test_without_memory_every_batch_stands_alone() -> None:
    processor = _processor(traces=0)
    assert _hints(processor, _span(attributes={"session.id": "s"})) == ["s"]
    assert _hints(processor, _span()) == [""]


def test_an_empty_batch_comes_back() -> None:
    batch = batch_of()
    assert _processor().process(batch) is batch


@st.composite
def _traces(draw: st.DrawFn) -> list[tuple[OracleSpan, Span]]:
    count = draw(st.integers(1, 12))
    return [_draw_span(draw, number) for number in range(1, count + 1)]


def _draw_span(draw: st.DrawFn, number: int) -> tuple[OracleSpan, Span]:
    trace, span_id = draw(st.sampled_from(TRACES)), f"{number:016x}"
    level = draw(st.sampled_from([1, 3, NO_CLAIM, NO_CLAIM]))
    claim = draw(st.sampled_from(["a", "b", "é", "\U00010000", "\uffff"])) if level < NO_CLAIM else ""
    start, root = draw(st.sampled_from([1, 2, 2**64 - 1])), draw(st.booleans())
    wire = span(
        trace_id=trace,
        span_id=span_id,
        start=start,
        end=start,
        parent="" if root else PARENT,
        attributes={KEYS[level]: claim} if claim else {},
    )
    return OracleSpan(
        "default", trace, span_id, is_root=root, start=start, end=start, level=level, claim_id=claim
    ), wire


@given(_traces(), st.data())
def test_hints_over_any_split_are_those_of_the_spans_seen_so_far(
    spans: list[tuple[OracleSpan, Span]], data: st.DataObject
) -> None:
    processor, seen = _processor(), list[OracleSpan]()
    while spans:
        size = data.draw(st.integers(1, len(spans)))
        part, spans = spans[:size], spans[size:]
        seen += [oracle for oracle, _ in part]
        rows = rows_of(processor.process(batch_of(*[wire for _, wire in part])))
        expected = assign(seen)
        assert [row["SessionHint"] or None for row in rows] == [expected[oracle.identity] for oracle, _ in part]


@given(_traces(), st.integers(0, 4), st.integers(0, 3000), st.data())
def test_a_memory_of_any_size_holds_real_claims_only(
    spans: list[tuple[OracleSpan, Span]], traces: int, max_bytes: int, data: st.DataObject
) -> None:
    processor, seen = _processor(traces, max_bytes), list[OracleSpan]()
    for oracle, wire in data.draw(st.lists(st.sampled_from(spans), max_size=20)):
        seen.append(oracle)
        [row] = rows_of(processor.process(batch_of(wire)))
        assert row["SessionHint"] in {"", *(s.claim_id for s in seen if s.trace_id == oracle.trace_id)}

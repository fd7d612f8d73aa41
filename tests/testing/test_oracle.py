"""The oracle is trusted by the property tests, so its own cases are written out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from otel_sessions.testing.oracle import OracleSpan, assign, figures


def _span(span_id: str, level: int = 9, claim_id: str = "", **fields: object) -> OracleSpan:
    return OracleSpan("p", "t", span_id, level=level, claim_id=claim_id, **fields)  # type: ignore[arg-type]


def _sessions(*spans: OracleSpan) -> dict[str, str | None]:
    return {span_id: session for (_, _, span_id), session in assign(spans).items()}


def test_a_trace_without_any_claim_is_in_no_session() -> None:
    assert _sessions(_span("a"), _span("b")) == {"a": None, "b": None}


def test_one_claim_gathers_the_whole_trace() -> None:
    assert _sessions(_span("a"), _span("b", 1, "s"), _span("c")) == {"a": "s", "b": "s", "c": "s"}


def test_a_session_id_wins_over_the_conversation_ids_below_it() -> None:
    assert _sessions(_span("a", 1, "s"), _span("b", 3, "c")) == {"a": "s", "b": "s"}


def test_spans_at_the_best_level_keep_their_own_session() -> None:
    spans = _span("a", 1, "x", start=5), _span("b", 1, "y", start=4), _span("c")
    assert _sessions(*spans) == {"a": "x", "b": "y", "c": "y"}


def test_a_conversation_that_is_the_best_claim_takes_every_span() -> None:
    spans = _span("a", 3, "caller's", is_root=True), _span("b", 3, "agent's"), _span("c")
    assert _sessions(*spans) == {"a": "caller's", "b": "caller's", "c": "caller's"}


def test_a_root_comes_before_an_earlier_span_and_bytes_decide_last() -> None:
    assert _sessions(_span("a", 1, "z", is_root=True, start=9), _span("b", 1, "y"), _span("c"))["c"] == "z"
    assert _sessions(_span("a", 1, "b"), _span("b", 1, "a"), _span("c"))["c"] == "a"


def test_traces_of_other_projects_are_other_traces() -> None:
    spans = [OracleSpan("p", "t", "a", level=1, claim_id="s"), OracleSpan("q", "t", "b")]
    assert assign(spans) == {("p", "t", "a"): "s", ("q", "t", "b"): None}


def test_figures_count_each_span_once() -> None:
    call = _span("a", 1, "s", start=5, end=9, error=True, input_tokens=3, output_tokens=4, cost=Decimal("0.1"))
    other = OracleSpan("p", "u", "a", level=1, claim_id="s", start=2, end=3)
    assert figures([call, other, call, _span("b", start=6, end=6)]) == {
        ("p", "s"): {
            "TraceCount": 2,
            "SpanCount": 3,
            "ErrorCount": 1,
            "InputTokens": 3,
            "OutputTokens": 4,
            "Cost": Decimal("0.1"),
            "StartTime": 2,
            "EndTime": 9,
        }
    }


def test_two_different_spans_of_one_identity_have_no_single_answer() -> None:
    with pytest.raises(ValueError, match="two different spans"):
        assign([_span("a"), _span("a", start=1)])

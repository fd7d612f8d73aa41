"""How much one span may hold, what is left of it, and what its sender is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.processors.session.limits import SpanLimits, limited
from otel_sessions.testing.otlp import event, link, request, span

LIMITS = SpanLimits(attributes=3, events=2, links=1)
COUNTS = ("DroppedAttributesCount", "DroppedEventsCount", "DroppedLinksCount")


def batch(*counts: tuple[int, int, int]) -> SpanBatch:
    """A request for each span, with so many attributes, events and links."""
    bodies = []
    for attributes, events, links in counts:
        one = span(
            attributes={f"k{i}": str(i) for i in range(attributes)},
            events=[event(f"e{i}", attributes={"n": i}) for i in range(events)],
            links=[link("1" * 32, f"{i + 1:016x}") for i in range(links)],
            dropped_attributes_count=5,
        )
        bodies.append(request(one).SerializeToString())
    return decode(bodies, ["p"] * len(bodies)).batch


@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=6), st.integers(0, 3))
def test_the_first_of_each_are_kept_and_the_others_counted(counts: list[tuple[int, int, int]], skip: int) -> None:
    spans = batch(*counts)
    found = limited(spans.slice(skip), LIMITS)
    for row, (attributes, events, links) in enumerate(counts[skip:]):
        assert found["SpanAttributes"][row].as_py() == [(f"k{i}", str(i)) for i in range(min(3, attributes))]
        assert found["Events.Name"][row].as_py() == [f"e{i}" for i in range(min(2, events))]
        assert found["Events.Attributes"][row].as_py() == [[("n", str(i))] for i in range(min(2, events))]
        assert found["Links.SpanId"][row].as_py() == [f"{i + 1:016x}" for i in range(min(1, links))]
        dropped = [found[name][row].as_py() for name in COUNTS]
        assert dropped == [5 + max(0, attributes - 3), max(0, events - 2), max(0, links - 1)]
    told = {number for note in found.notes for number in note.requests}
    over = [attributes > 3 or events > 2 or links > 1 for attributes, events, links in counts]
    assert told == {number for number, is_over in enumerate(over) if is_over and number >= skip}


def test_within_the_limits_nothing_changes() -> None:
    spans = batch((3, 2, 1), (0, 0, 0))
    assert limited(spans, LIMITS) is spans
    many = batch((9, 9, 9))
    assert limited(many, SpanLimits(attributes=0, events=0, links=0)) is many


def test_what_is_left_out_still_tells_the_session() -> None:
    one = span(attributes={**{f"k{i}": i for i in range(9)}, "session.id": "the last"})
    spans = decode([request(one).SerializeToString()], ["p"]).batch
    found = SessionProcessor(SessionConfig(span_limits=LIMITS)).process(spans)
    assert found["ClaimId"].to_pylist() == ["the last"]
    assert len(found["SpanAttributes"][0]) == 3
    assert found.notes[0].message == "Spans were stored with their first 3 attributes; the others were left out."

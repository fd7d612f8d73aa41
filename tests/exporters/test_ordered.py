"""Which traces of an insert are in order by what the insert has of them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sessions.exporters.clickhouse import known as known_module
from otel_sessions.exporters.clickhouse.known import KnownTraces
from otel_sessions.exporters.clickhouse.ordered import traces_of
from otel_sessions.pdata import NO_CLAIM, SpanBatch, decode
from otel_sessions.sessions.attribution.hashes import TRACE_ID_CHARS, id_hashes, stored_ids, words
from otel_sessions.testing.otlp import request, span
from tests.examples import examples
from tests.integration.delivery import insert, new_project


class Stored(NamedTuple):
    """A span as it is stored."""

    trace: int
    id: int
    hint: str
    level: int = NO_CLAIM
    claim: str = ""
    project: str = "p"


def batch_of(spans: list[Stored]) -> SpanBatch:
    sent = [span(trace_id=bytes([each.trace]) * 16, span_id=bytes([each.id]) * 8) for each in spans]
    bodies = [request(each).SerializeToString() for each in sent]
    batch = decode(bodies, [each.project for each in spans]).batch
    return batch.with_columns(
        {
            "SessionHint": pa.array([each.hint for each in spans]),
            "ClaimLevel": pa.array([each.level for each in spans], batch["ClaimLevel"].type),
            "ClaimId": pa.array([each.claim for each in spans]),
        }
    )


def in_order(*parts: list[Stored]) -> set[tuple[str, int]]:
    """Of the traces of these batches those in order, by project and number."""
    traces = traces_of([batch_of(part) for part in parts])
    return {(project, bytes.fromhex(trace)[0]) for project, trace in traces.keys(traces.in_order)}


def right(spans: list[Stored]) -> set[tuple[str, int]]:
    """The same by the rule, of traces that lie under one session; those that lie under several are looked at."""
    by_trace: defaultdict[tuple[str, int], list[Stored]] = defaultdict(list)
    for each in spans:
        by_trace[each.project, each.trace].append(each)
    return {trace for trace, group in by_trace.items() if _is_right(group)}


def _is_right(group: list[Stored]) -> bool:
    best = min(each.level for each in group)
    ids = {each.claim for each in group if each.level == best} if best < NO_CLAIM else {""}
    hints = {each.hint for each in group}
    return len({each.id for each in group}) == len(group) and len(hints) == 1 and hints == ids


@pytest.mark.parametrize(("seconds", "is_in_order"), [(3600, True), (3601, False)])
def test_a_trace_that_may_pause_for_more_than_an_hour_is_looked_at(seconds: int, is_in_order: bool) -> None:
    spans = [span(trace_id=b"1" * 16, span_id=bytes([n]) * 8, start=10**18 + n * seconds * 10**9) for n in (0, 1)]
    spans[0].span_id, spans[0].end_time_unix_nano = b"9" * 8, 10**18 + 10**14  # which covers all of it
    traces = traces_of([decode([request(each).SerializeToString()], ["p"]).batch for each in reversed(spans)])
    assert traces.in_order.tolist() == [is_in_order]


CLAIMS = st.sampled_from([(NO_CLAIM, ""), (1, "a"), (1, "b"), (3, "a"), (3, "b")])
SPANS = st.builds(
    lambda trace, id_, hint, claim, project: Stored(trace, id_, hint, *claim, project),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from(["a", "a", "b", ""]),
    CLAIMS,
    st.sampled_from("pq"),
)


@settings(max_examples=examples(40), deadline=None)
@given(parts=st.lists(st.lists(SPANS, min_size=1, max_size=5), min_size=1, max_size=3))
def test_a_trace_is_in_order_by_the_rule_and_by_nothing_else(parts: list[list[Stored]]) -> None:
    assert in_order(*parts) == right(list(itertools.chain.from_iterable(parts)))


@pytest.mark.parametrize(
    "spans",
    [
        [Stored(1, 1, "a", 1, "a"), Stored(1, 1, "a", 1, "a")],
        [Stored(1, 1, "a", 1, "a"), Stored(1, 2, "")],
        [Stored(1, 1, "a", 1, "a"), Stored(1, 2, "b", 1, "b")],
        [Stored(1, 1, "b", 3, "b"), Stored(1, 2, "b", 1, "a")],
        [Stored(1, 1, "a")],
        [Stored(1, 1, "", 1, "a")],
    ],
    ids=["a span twice", "two places", "two sessions", "a better claim", "a session nobody claims", "no session"],
)
def test_each_fault_of_a_trace_is_seen(spans: list[Stored]) -> None:
    assert in_order(spans) == in_order(spans[:1], spans[1:] or spans) == set()


def test_what_others_claim_below_the_best_claim_is_no_fault() -> None:
    assert in_order([Stored(1, 1, "a", 1, "a"), Stored(1, 2, "a", 3, "agent"), Stored(1, 3, "a")]) == {("p", 1)}


def test_ids_of_a_length_of_their_own_are_never_in_order() -> None:
    batch = batch_of([Stored(1, 1, "a", 1, "a")])
    traces = traces_of([batch.with_columns({"TraceId": pa.array(["short"])})])
    assert (traces.keys(), traces.in_order.any()) == ({("p", "short")}, False)


def hashes_of(*numbers: int) -> np.ndarray:
    found = words(pa.array([f"{number:032x}" for number in numbers]), TRACE_ID_CHARS)
    assert found is not None
    return id_hashes(found)


def test_a_trace_is_new_once_and_only_when_all_before_is_known() -> None:
    known = KnownTraces()
    assert not known.meet(hashes_of(1, 2)).any()
    known.learn([hashes_of(3, 3, 4), hashes_of(5)])
    assert known.meet(hashes_of(1, 2, 3, 4, 5)).tolist() == [False] * 5
    assert known.meet(hashes_of(6, 7)).tolist() == [True, True]
    assert known.meet(hashes_of(7, 8)).tolist() == [False, True]


def test_too_many_traces_before_leave_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "_BITS", 4096)
    known = KnownTraces()
    known.learn([hashes_of(*range(start, start + 500)) for start in range(0, 3000, 500)])
    assert not known.complete
    assert not known.meet(hashes_of(10_000)).any()


def test_what_is_learned_in_part_leaves_nothing_new() -> None:
    known = KnownTraces()
    stops = iter([False, True])
    known.learn([hashes_of(1), hashes_of(2)], lambda: next(stops))
    assert not known.complete
    with pytest.raises(ZeroDivisionError):
        known.learn(hashes_of(1 // number) for number in (1, 0))
    assert not known.meet(hashes_of(3)).any()


@settings(max_examples=examples(5), deadline=None)
@given(numbers=st.lists(st.integers(1, 2**128 - 1), min_size=1, max_size=200, unique=True))
def test_an_id_that_was_met_or_learned_is_never_new(numbers: list[int]) -> None:
    known = KnownTraces()
    hashes = hashes_of(*numbers)
    known.meet(hashes[::2])
    known.learn([hashes[1::2]])
    assert not known.meet(hashes).any()


def test_ids_that_are_stored_are_read_as_they_are_met(otel_client: Client) -> None:
    batch = decode([request(*(span() for _ in range(50))).SerializeToString()], [new_project()]).batch
    insert(otel_client, batch)
    met = words(batch["TraceId"], TRACE_ID_CHARS)
    assert met is not None
    assert set(id_hashes(met)) <= {each for block in stored_ids(otel_client) for each in block}

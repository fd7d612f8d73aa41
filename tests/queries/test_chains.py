"""Sessions that go on from one another, and how often one was idle."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.queries import chains
from otel_sessions.queries.detail import get_session
from otel_sessions.queries.rows import composed
from otel_sessions.sessions import attribution, deletion, hooks
from otel_sessions.sessions.hooks import Notice
from otel_sessions.testing import otlp
from tests.integration.delivery import EPOCH, insert, new_project
from tests.queries.noting import noting

MINUTE = 60 * 10**9
embedded = pytest.mark.skipif(
    "config.getoption('--clickhouse') != 'embedded'", reason="parts of other servers do not tell what has changed"
)


def store(client: Client, project: str, *spans: otlp.Span) -> None:
    """As a service stores a request."""
    store_each(client, {project: spans})


def store_each(client: Client, requests: Mapping[str, Sequence[otlp.Span]]) -> None:
    """As a service stores a micro-batch of a request a project."""
    bodies = [otlp.request(*spans).SerializeToString() for spans in requests.values()]
    batch = SessionProcessor(SessionConfig()).process(decode(bodies, [*requests]).batch)
    insert(client, batch)
    traces = [*zip(batch["Project"].to_pylist(), batch["TraceId"].to_pylist(), strict=True)]
    attribution.correct(client, [doubt.trace for doubt in attribution.find(client, traces)])


def turn(session: str, minute: float, **more: Any) -> otlp.Span:
    """A span of a trace of its own, a minute long."""
    start = EPOCH + int(minute * MINUTE)
    previous = {"session.previous_id": more.pop("after")} if "after" in more else {}
    attributes = {"session.id": session, **previous, **more.pop("attributes", {})}
    return otlp.span(start=start, end=start + MINUTE, attributes=attributes, **more)


def chain(client: Client, project: str, session: str, now_ns: int = EPOCH) -> tuple[str | None, list[str]]:
    row = get_session(client, project=project, session_id=session, now_ns=now_ns)
    assert row is not None
    return row["PreviousSessionId"], row["NextSessionIds"]


def test_a_chain_is_what_the_last_span_says_in_whatever_order_it_came(otel_client: Client) -> None:
    """Late claims, repetitions and a better claim that takes the turn away change it as they change every figure.

    An order is a project; all arrive side by side, as statements cost more than rows.
    """
    orders = {new_project(): random.Random(seed) for seed in range(4)}
    lost = turn("b", 3, after="other")
    moved = otlp.span("root", trace_id=lost.trace_id.hex(), start=EPOCH, attributes={"session.id": "elsewhere"})
    told = [
        turn("a", 0),
        turn("b", 1, after="never seen"),
        turn("b", 2, after="a"),
        turn("c", 5, after="a"),
        turn("c", 4, after="b"),
        turn("d", 6, after="d"),
    ]
    child = otlp.span("child", parent=told[2], start=EPOCH, end=EPOCH + 1)
    lines = [rng.sample(line := [*told, child, told[2], told[4]], len(line)) for rng in orders.values()]
    for side_by_side in zip(*lines, strict=True):
        store_each(otel_client, {project: [one] for project, one in zip(orders, side_by_side, strict=True)})
    for project in orders:
        assert [chain(otel_client, project, each) for each in "abcd"] == [
            (None, ["b", "c"]),
            ("a", []),
            ("a", []),
            (None, []),
        ]
    store_each(otel_client, {project: [lost, moved] for project in orders})
    for project in orders:
        assert chain(otel_client, project, "b") == ("other", [])  # its own claim keeps the span
        assert chain(otel_client, project, "a") == (None, ["c"])
    deletion.delete(otel_client, [(project, "c") for project in orders])
    for project in orders:
        assert chain(otel_client, project, "a") == (None, [])
    assert chain(otel_client, new_project_with(otel_client, "a"), "a") == (None, [])


def new_project_with(client: Client, session: str) -> str:
    project = new_project()
    store(client, project, turn(session, 0))
    return project


def test_the_first_of_very_many_that_go_on_from_a_session_are_told_and_found_by_an_index(otel_client: Client) -> None:
    """By start, and however many ids before theirs once said so and do not any more."""
    project = new_project()
    spokes = [turn(f"spoke {30 - n:02}", n, after="hub") for n in range(1, 31)]
    others = [turn(f"a {n}", minute, after=after) for n in range(25) for minute, after in ((1, "hub"), (2, "away"))]
    store(otel_client, project, turn("hub", 0), *spokes, *others)
    previous, following = chain(otel_client, project, "hub")
    assert (previous, following) == (None, [f"spoke {30 - n:02}" for n in range(1, 21)])
    named = {"project": project, "session_id": "hub"}
    parts = [part for (part,) in otel_client.query("SELECT DISTINCT _part FROM _session_turns").result_rows]
    for name, index in (("may_follow", "idx_previous"), ("naming_parts", "idx_has_previous")):
        plan = otel_client.query(f"EXPLAIN indexes = 1 {composed(name)}", {**named, "parts": parts}).result_rows
        assert any(index in line for (line,) in plan)


@pytest.mark.parametrize(
    ("minutes", "at", "state", "reopened"),
    [
        ([0], 5, "active", 0),
        ([0], 40, "idle", 0),
        ([0, 20, 40], 45, "active", 0),
        ([0, 31], 40, "reopened", 1),
        ([0, 31], 90, "idle", 1),
        ([90, 0, 45], 95, "reopened", 2),
    ],
)
def test_a_session_is_reopened_where_it_went_on_after_it_was_idle(
    otel_client: Client, minutes: list[int], at: int, state: str, reopened: int
) -> None:
    project = new_project()
    store(otel_client, project, *(turn("s", minute) for minute in minutes))
    row = get_session(otel_client, project=project, session_id="s", now_ns=EPOCH + at * MINUTE)
    assert row is not None
    assert row["Life"] == {"state": state, "reopened": reopened, "revision": None, "parts": 1}
    assert (row["State"] == "active") == (state != "idle")


def test_one_session_is_read_by_five_statements(otel_client: Client) -> None:
    client, asked = noting(otel_client)
    project = new_project()
    store(otel_client, project, *(turn("s", minute) for minute in (0, 31)))
    assert get_session(client, project=project, session_id="s", now_ns=EPOCH)
    assert len(asked) == 5, asked
    assert sum("AS Reopened" in query for query in asked) == 1
    assert sum("FROM _corrected_turns" in query for query in asked) == 1


@embedded
def test_one_session_that_nothing_is_known_against_is_read_by_three_statements(own_client: Client) -> None:
    client, asked = noting(own_client, is_embedded=True)
    store(own_client, "p", turn("s", 0))
    for _ in range(2):
        asked.clear()
        assert chain(client, "p", "s") == (None, [])
    assert len(asked) == 3, asked
    assert sum("FROM system.parts" in query for query in asked) == 1


@embedded
@pytest.mark.parametrize("bounds", [{}, {"_MOST_PARTS": 1}, {"_MOST_PARTS": 0}])
def test_who_goes_on_from_a_session_is_known_whatever_parts_it_is_stored_in(
    own_client: Client, monkeypatch: pytest.MonkeyPatch, bounds: dict[str, int]
) -> None:
    """In new parts, in those that merges make of parts that were looked at and that were not, after deletions, and when
    all is begun anew.
    """
    for name, most in bounds.items():
        monkeypatch.setattr(chains, name, most)
    client, asked = noting(own_client, is_embedded=True)

    def following() -> list[str]:
        asked.clear()
        anew = chain(noting(own_client, is_embedded=True)[0], "p", "a")
        assert chain(client, "p", "a") == anew == chain(noting(own_client)[0], "p", "a")
        return anew[1]

    store(own_client, "p", turn("a", 0))
    assert following() == []
    store(own_client, "p", turn("b", 1, after="a"))
    assert following() == ["b"]
    own_client.command("OPTIMIZE TABLE _session_turns FINAL")
    assert following() == ["b"]
    deletion.delete(own_client, [("p", "b")])
    assert following() == []
    own_client.command("OPTIMIZE TABLE _session_turns FINAL")
    assert following() == following() == []
    assert any("AS Reopened" in query for query in asked)
    assert any("LIMIT 1\nSETTINGS" in query for query in asked) == (bounds.get("_MOST_PARTS") == 0)
    store(own_client, "p", turn("c", 2, after="a"))
    store(own_client, "p", turn("d", 3))
    own_client.command("OPTIMIZE TABLE _session_turns FINAL")
    assert following() == ["c"]


@embedded
def test_a_part_that_is_gone_before_it_is_read_is_not_taken_for_one_that_names_nobody(own_client: Client) -> None:
    store(own_client, "p", turn("a", 0))
    store(own_client, "p", turn("b", 1, after="a"))

    class Merging:
        def raw_query(self, query: str, *some: Any, **more: Any) -> bytes:
            if "_part AS Part" in query:
                own_client.command("OPTIMIZE TABLE _session_turns FINAL")
            return own_client.raw_query(query, *some, **more)

        def __getattr__(self, name: str) -> Any:
            return getattr(own_client, name)

    assert chain(cast(Client, Merging()), "p", "a") == (None, ["b"])


def test_life_follows_the_time_of_its_project_and_the_revisions_of_hooks(
    otel_client: Client, limits: Callable[..., None]
) -> None:
    project = new_project()
    store(otel_client, project, turn("s", 0), turn("s", 11))
    limits(idle_after_of={project: 600})
    row = get_session(otel_client, project=project, session_id="s", now_ns=EPOCH + 15 * MINUTE)
    assert row is not None
    assert (row["Life"]["state"], row["IdleAfter"]) == ("reopened", 600 * 10**9)
    now = time.time_ns() // 10**6
    notice = Notice("webhook", project, "s", 2, "2026-01-01 00:00:00", 2, 2, payload="", decided_at=now)
    hooks.note(otel_client, [notice])
    row = get_session(otel_client, project=project, session_id="s", now_ns=EPOCH + 15 * MINUTE)
    assert row is not None
    assert row["Life"]["revision"] == 2

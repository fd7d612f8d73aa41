"""Lists by words that few turns have: where these may be is asked first, and no other turn is read for them."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_sessions.queries import keyed, listing
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.listing import Wanted, list_sessions
from otel_sessions.queries.rows import run
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.delivery import EPOCH, Receiver, deliver, new_project, span_sets
from tests.queries.noting import noting

EXAMPLES = int(os.environ.get("HYPOTHESIS_LISTING_EXAMPLES", "4"))
ASKED = 6
"""Queries an example, each of which takes many statements where lists look on."""
LONG_S = chr(0x17F)
S = 1_000_000_000
SAID = (
    *("zanzibar", "Zanzibar", "ZANZIBAR", "zanzibars", "xzanzibar", "mask", f"ma{LONG_S}k", "MASK", "größe", "GRÖSSE"),
    *("漢zanzibar字", "zanzibar-mask", "mask zanzibar", "Zanzibar. Mask", "the", "s1", "", "\x00", "é"),
)
QUERIES = (
    *("zanzibar", "Zanzibar", "mask", '"zanzibar mask"', "zanzibar mask", "the zanzibar", "größe", "mask größe", "s1"),
    *("zanzibar -mask", "-zanzibar mask", "zanzibar -zanzibar", "zanzibar (mask OR the)", "mask*", "zanzibar zanzi*"),
    *("zanzibar OR mask", "-zanzibar", "zanzibar has:error", "zanzibar -has:error", "mask user:zanzibar", "nobody"),
    *("zanzibar tokens>=30", "zanzibar metadata.k:one", "zanzibar -metadata.k:one", "zanzibar id:s*"),
)


@pytest.fixture(params=["few", "one"])
def rare(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All words are taken to be rare, and lists look on; where one place is too many, as where places are not asked."""
    monkeypatch.setattr(listing, "_RARE", 0)
    monkeypatch.setattr(listing, "_MOST_FOUND", 1 if request.param == "one" else 1_000)
    monkeypatch.setattr(listing, "_FIRST_LOOK", 1)
    monkeypatch.setattr(listing, "_MORE", 1)
    monkeypatch.setattr(keyed, "MANY_MINUTES", 3)


def listed(client: Client, wanted: Wanted) -> list[str]:
    found: list[str] = []
    while True:
        page = list_sessions(client, wanted, now_ns=EPOCH)
        found += [row["SessionId"] for row in page.rows]
        if page.next_cursor is None:
            return found
        wanted = replace(wanted, cursor=page.next_cursor)


def in_the_views(client: Client, project: str, chosen: Filter) -> list[str]:
    condition = chosen.condition(EPOCH)
    of_project = f"SELECT SessionId FROM sessions WHERE Project = {{project:String}} AND {condition.sql}"
    sql = f"{of_project} ORDER BY EndTime DESC, SessionId"
    return [row["SessionId"] for row in run(client, sql, {"project": project, **condition.parameters})]


@pytest.mark.usefixtures("rare")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(spans=span_sets(), seed=st.integers(0, 2**32))
def test_a_list_by_rare_words_is_that_of_the_views(otel_client: Client, spans: list[OracleSpan], seed: int) -> None:
    rnd = random.Random(seed)

    def text() -> str:
        return " ".join(rnd.choices(SAID, k=rnd.randint(0, 3)))

    spans = [
        replace(
            span, input=text(), output=text(), trace_input=text() if rnd.random() < 0.3 else "",
            user=rnd.choice(["", "", "ada", "Zanzibar", "a-zanzibar"]),
            metadata=(("k", rnd.choice(["one", "two"])),) if rnd.random() < 0.5 else (),
            is_update=not span.is_root and rnd.random() < 0.1,
        )
        for span in spans
    ]  # fmt: skip
    deliver(otel_client, spans, random.Random(seed))
    project = spans[0].project
    for query in rnd.sample(QUERIES, ASKED):
        low = EPOCH + rnd.randint(-1, 6) * 40 * S
        window = rnd.choice([{}, {"from_ns": low}, {"from_ns": low, "to_ns": low + rnd.choice([0, 5, 90]) * S}])
        chosen = Filter(query=query, **window)
        wanted = Wanted(project, chosen, limit=rnd.randint(1, 4))
        assert listed(otel_client, wanted) == in_the_views(otel_client, project, chosen), chosen


@pytest.mark.usefixtures("rare")
def test_words_of_a_turn_that_was_corrected_are_those_of_the_session_that_has_it_now(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    spans = [
        OracleSpan(project, f"{trace:032x}", f"{trace:016x}", trace == 1, EPOCH, EPOCH + 5, level, session, input=said)
        for trace, level, session, said in [
            (1, 4, "a", "from Zanzibar"),
            (2, 1, "b", "nothing"),
            (3, 1, "c", "zanzibar"),
        ]
    ]
    late = replace(spans[0], span_id=f"{9:016x}", level=1, claim_id="b", input="", is_root=False)
    receiver.take([spans])
    wanted = Wanted(project, Filter(query="zanzibar"))
    assert listed(otel_client, wanted) == ["a", "c"]
    receiver.restart()
    receiver.take([[late]])
    receiver.attribute([*spans, late])
    assert listed(otel_client, wanted) == in_the_views(otel_client, project, wanted.filter) == ["b", "c"]


def test_texts_are_searched_once_and_sessions_of_many_turns_asked_with_the_others(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_RARE", 0)
    monkeypatch.setattr(keyed, "MANY_MINUTES", 1)
    project = new_project()
    spans = [
        OracleSpan(project, f"{n:032x}", f"{n:016x}", True, at, at + 5, 1, session, input="to Zanzibar")
        for n, (session, at) in enumerate([("a", EPOCH), ("b", EPOCH), ("b", EPOCH + 90 * S)], 1)
    ]
    Receiver(otel_client, project).take([spans])
    client, asked = noting(otel_client, is_embedded=True)
    wanted = Wanted(project, Filter(query="zanzibar", from_ns=EPOCH))
    for _ in range(2):  # then their rows are remembered
        asked.clear()
        assert listed(client, wanted) == ["b", "a"]
    texts = [sql for sql in asked if "InputPick" in sql and not sql.startswith("EXPLAIN")]
    searched = [sql for sql in texts if "SessionId IN" not in sql]
    assert searched == [sql for sql in texts if sql.startswith("SELECT DISTINCT SessionId, TraceId")]
    assert (len(searched), len([sql for sql in texts if "ORDER BY _key" in sql])) == (1, 1)

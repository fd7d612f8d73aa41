"""Each scenario sends what it counts, and shows what it is there for."""

from __future__ import annotations

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions import demo
from otel_sessions.cli.demo import SCENARIO_NAMES
from otel_sessions.queries import replay, sessions
from otel_sessions.queries.rows import Row
from tests.demo.playing import Sent, play, store

OTHERS = tuple(name for name in demo.SCENARIOS if name != "chat")


@pytest.fixture(scope="module")
def played() -> Sent:
    return play(*OTHERS)


@pytest.fixture(scope="module")
def project(played: Sent, otel_client: Client) -> str:
    return store(played, otel_client)


def turns(client: Client, project: str, topic: str) -> list[dict[str, Any]]:
    payload = replay.turns(client, project=project, session_id=f"{topic}-test", limit=50)
    for turn in payload["turns"]:
        turn["said"] = [payload["messages"][ref] for step in turn["steps"] for ref in step["messages_in"]]
    found: list[dict[str, Any]] = payload["turns"]
    return found


def session(client: Client, project: str, topic: str) -> Row:
    row = sessions.one(client, project=project, session_id=f"{topic}-test")
    assert row is not None
    return row


def test_the_command_line_knows_all_scenarios() -> None:
    assert list(SCENARIO_NAMES) == list(demo.SCENARIOS)


def test_each_session_is_what_its_scenario_says(played: Sent, project: str, otel_client: Client) -> None:
    assert len(played.turns) == sum(demo.SCENARIOS[name].turns for name in OTHERS)
    wanted = "SELECT * FROM sessions WHERE Project = {project:String}"
    rows = {row["SessionId"]: row for row in otel_client.query(wanted, {"project": project}).named_results()}
    for tally in played.tallies:
        row = rows[tally.session_id]
        found = row["TraceCount"], row["SpanCount"], row["ErrorCount"], row["InputTokens"], row["OutputTokens"]
        assert found == (tally.traces, tally.spans, tally.errors, tally.input_tokens, tally.output_tokens), tally
        assert float(row["Cost"]) == pytest.approx(float(tally.cost)), tally
        assert tally.end_ns < played.ended_ns
    assert all(
        f"{demo.SCENARIOS[name].shown}-test" in {tally.session_id for tally in played.tallies} for name in OTHERS
    )


def test_the_long_session_has_breaks_and_a_history_that_is_cut(project: str, otel_client: Client) -> None:
    row = session(otel_client, project, "incident")
    assert row["TraceCount"] == 240
    assert row["LongestGap"] > 3600 * 10**9
    steps = [step for turn in turns(otel_client, project, "incident") for step in turn["steps"]]
    assert any(step["compacted"] for step in steps)
    assert max(step["repeated"] for step in steps) > 20


def test_agents_hand_over_and_run_tools_at_once(project: str, otel_client: Client) -> None:
    first = turns(otel_client, project, "tax-bug")[0]
    assert [step["agent"] for step in first["steps"]].count("Researcher") > 3
    assert {step["agent"] for step in first["steps"]} == {"Coordinator", "Researcher"}
    tools = [step for step in first["steps"] if step["kind"] == "tool"]
    assert len({step["start_time"] for step in tools}) == 1 < len(tools)
    assert any(part["type"] == "reasoning" for message in first["said"] for part in message["parts"])


def test_media_are_links_or_sizes_and_their_model_has_no_price(project: str, otel_client: Client) -> None:
    row = session(otel_client, project, "photos")
    assert row["UnpricedCalls"] == row["ModelCalls"] > 0
    media = [
        part
        for turn in turns(otel_client, project, "photos")
        for message in turn["said"]
        for part in message["parts"]
        if part["type"] == "media"
    ]
    assert {part["modality"] for part in media} == {"image", "audio", "file"}
    assert any("url" in part for part in media)
    assert any("size" in part for part in media)


def test_a_failure_is_passed_up_and_calls_are_made_again(project: str, otel_client: Client) -> None:
    failed = turns(otel_client, project, "transfer")
    steps = [step for step in failed[1]["steps"] if step["status"] == "error"]
    assert {step["error"] for step in steps} == {"the payment provider refused the card: do_not_honor"}
    assert {step["kind"] for step in steps} >= {"tool", "agent"}
    retried = [step["status"] for step in failed[0]["steps"] if step["kind"] == "model"]
    assert retried[:3] == ["error", "error", "unset"]
    assert any(step["kind"] == "guardrail" for step in failed[3]["steps"])


def test_one_session_costs_more_than_all_others_together(played: Sent) -> None:
    costs = {tally.session_id: tally.cost for tally in played.tallies if tally.session_id.startswith(("shop", "cata"))}
    assert costs.pop("catalogue-test") > sum(costs.values())

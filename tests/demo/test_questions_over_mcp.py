"""Twenty questions about the demo's sessions, asked by a client of the Model Context Protocol that knows no more than
the tools say.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from clickhouse_connect.driver.client import Client as ClickHouse
from mcp import Client

from otel_sessions.extensions.web.mcp.server import make_server
from tests.demo.playing import Sent

T = TypeVar("T")


class Asker:
    """Calls tools, and counts what they answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, name: str, **given: Any) -> Any:
        result = await self._client.call_tool(name, {name.rstrip("_"): value for name, value in given.items()})
        assert not result.is_error, result.content
        (content,) = result.content
        assert len(content.text.encode()) <= 4 * 8000, f"{name} answers more than 8,000 tokens"
        return json.loads(content.text)

    async def ids(self, **given: Any) -> list[str]:
        return [session["session_id"] for session in (await self("find_sessions", **given))["sessions"]]

    async def sql(self, statement: str) -> Any:
        return (await self("query_sql", sql=statement))["rows"]


async def how_many_sessions_are_there(ask: Asker) -> Any:
    (group,) = (await ask("metrics", series="sessions"))["groups"]
    return group["total"]["sessions"]


async def which_session_cost_most(ask: Asker) -> Any:
    return (await ask.ids(sort="cost", limit=1))[0]


async def which_sessions_had_an_error(ask: Asker) -> Any:
    return sorted(await ask.ids(query="has:error"))


async def what_was_the_error_of_the_invoice(ask: Asker) -> Any:
    (session,) = (await ask("find_sessions", query="tag:billing"))["sessions"]
    return session["last_error"]


async def which_session_has_most_turns(ask: Asker) -> Any:
    return (await ask.ids(sort="traces", limit=1))[0]


async def who_planned_a_tour(ask: Asker) -> Any:
    (session,) = (await ask("find_sessions", query='"hut tour"'))["sessions"]
    return session["user_ids"]


async def which_fields_choose_by_model(ask: Asker) -> Any:
    listed = await ask("fields")
    return [field["name"] for field in listed["fields"] if field["name"] == "model"]


async def which_tables_have_turns(ask: Asker) -> Any:
    listed = await ask("fields")
    return [table["name"] for table in listed["tables"] if table["name"] == "session_traces"]


async def which_model_costs_more(ask: Asker) -> Any:
    groups = (await ask("metrics", series="cost", group_by="model"))["groups"]
    return groups[0]["key"]


async def how_many_turns_had_each_user(ask: Asker) -> Any:
    groups = (await ask("metrics", series="traces", group_by="user"))["groups"]
    return {group["key"]: group["total"]["traces"] for group in groups}


async def what_did_ada_ask_last(ask: Asker) -> Any:
    (session_id,) = await ask.ids(query="user:ada")
    return (await ask("read_session", session_id=session_id))["turns"][-1]["input"]


async def which_tools_were_called_in_returns(ask: Asker) -> Any:
    turns = (await ask("read_session", session_id="returns-test"))["turns"]
    return sorted(step["name"] for turn in turns for step in turn["steps"] if step["kind"] == "tool")


async def which_number_did_the_registry_not_answer_for(ask: Asker) -> Any:
    turns = (await ask("read_session", session_id="invoice-test"))["turns"]
    turn, step = next(
        (turn, step) for turn in turns for step in turn["steps"] if step["name"] == "check_vat" and "error" in step
    )
    opened = (await ask("read_step", trace_id=turn["trace_id"], span_id=step["span_id"]))["step"]
    return "ATU12345678" in json.dumps(opened["messages_in"]), opened["status"]


async def how_long_was_the_longest_pause(ask: Asker) -> Any:
    return await ask.sql("SELECT SessionId, round(LongestGap / 1e9) FROM sessions ORDER BY LongestGap DESC LIMIT 1")


async def which_tool_fails(ask: Asker) -> Any:
    return await ask.sql("SELECT DISTINCT StepName FROM session_spans WHERE StepKind = 'tool' AND StatusCode = 'Error'")


async def how_many_tokens_were_used(ask: Asker) -> Any:
    (group,) = (await ask("metrics", series="tokens"))["groups"]
    return group["total"]["tokens"]


async def which_sessions_are_dear_and_long(ask: Asker) -> Any:
    return await ask.ids(query="cost>0.001 turns>=3")


async def which_sessions_are_not_of_claude(ask: Asker) -> Any:
    return sorted(await ask.ids(query="-model:claude*"))


async def what_answered_the_last_turn_of_the_warranty(ask: Asker) -> Any:
    session = (await ask("read_session", session_id="warranty-test"))["session"]
    return session["output"].startswith("About 12 days")


async def which_agents_took_part(ask: Asker) -> Any:
    turns = (await ask("read_session", session_id="hut-tour-test"))["turns"]
    return sorted({step["agent"] for turn in turns for step in turn["steps"] if "agent" in step})


QUESTIONS: list[tuple[Callable[[Asker], Any], Callable[[Sent], Any]]] = [
    (how_many_sessions_are_there, lambda sent: len(sent.tallies)),
    (which_session_cost_most, lambda sent: max(sent.tallies, key=lambda tally: tally.cost).session_id),
    (which_sessions_had_an_error, lambda sent: sorted(tally.session_id for tally in sent.tallies if tally.errors)),
    (what_was_the_error_of_the_invoice, lambda _: "the registry answered 503 Service Unavailable"),
    (which_session_has_most_turns, lambda sent: max(sent.tallies, key=lambda tally: tally.traces).session_id),
    (who_planned_a_tour, lambda _: ["emmy"]),
    (which_fields_choose_by_model, lambda _: ["model"]),
    (which_tables_have_turns, lambda _: ["session_traces"]),
    (which_model_costs_more, lambda _: "claude-sonnet-4-5-20250929"),
    (how_many_turns_had_each_user, lambda sent: {tally.user_id: tally.traces for tally in sent.tallies}),
    (what_did_ada_ask_last, lambda _: "Great, thank you!"),
    (which_tools_were_called_in_returns, lambda _: ["create_label", "get_order", "send_mail"]),
    (which_number_did_the_registry_not_answer_for, lambda _: (True, "error")),
    (how_long_was_the_longest_pause, lambda _: [["sizing-test", 118]]),
    (which_tool_fails, lambda _: [["check_vat"]]),
    (how_many_tokens_were_used, lambda sent: sum(each.input_tokens + each.output_tokens for each in sent.tallies)),
    (which_sessions_are_dear_and_long, lambda _: ["hut-tour-test"]),
    (which_sessions_are_not_of_claude, lambda _: ["invoice-test", "returns-test", "sizing-test"]),
    (what_answered_the_last_turn_of_the_warranty, lambda _: True),
    (which_agents_took_part, lambda _: ["Booking", "Tour Planner"]),
]


@pytest.fixture(scope="module")
def answers(otel_client: ClickHouse, stored: str) -> dict[str, Any]:
    """What the client found out, by question."""

    async def run(work: Callable[[ClickHouse], T]) -> T:
        return work(otel_client)

    async def ask_all() -> dict[str, Any]:
        async with Client(make_server(run, lambda _: stored)) as client:
            ask = Asker(client)
            return {question.__name__: await question(ask) for question, _ in QUESTIONS}

    return asyncio.run(ask_all())


@pytest.mark.parametrize(("question", "expected"), QUESTIONS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_question_is_answered_within_eight_thousand_tokens(
    question: Callable[..., Any], expected: Callable[[Sent], Any], answers: dict[str, Any], sent: Sent
) -> None:
    assert answers[question.__name__] == expected(sent)

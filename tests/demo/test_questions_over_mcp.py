"""Questions about all sessions of the demo, put to a running service by a client of the Model Context Protocol that
knows no more than the tools say: all over HTTP, and over standard streams one of each tool. What is right was known
before it asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from otel_sessions import demo
from otel_sessions.extensions.web.mcp.catalogue import TOOLS
from tests.integration.running import ANY, Directory, config, wait_until

DAY_NS = 86_400 * 10**9
OPUS = "claude-opus-4-1-20250805"
LIMIT = "429 Too Many Requests: rate limit reached for gpt-4.1-mini"
CARD = "the payment provider refused the card: do_not_honor"


@dataclass(frozen=True)
class Told:
    """What the demo says of its sessions, and the time for which it was told to be now: noon of yesterday."""

    tallies: tuple[demo.Tally, ...]
    now_ns: int

    @property
    def yesterday(self) -> str:
        return str((datetime.fromtimestamp(self.now_ns // 10**9, UTC) - timedelta(days=1)).date())

    def tally(self, topic: str) -> demo.Tally:
        return next(tally for tally in self.tallies if tally.session_id == f"{topic}-test")

    def total(self, of: Callable[[demo.Tally], Any]) -> dict[str, Any]:
        """The sum over the sessions of each user."""
        sums: dict[str, Any] = {}
        for tally in self.tallies:
            sums[tally.user_id] = sums.get(tally.user_id, 0) + of(tally)
        return sums

    def ids(self, which: Callable[[demo.Tally], Any]) -> list[str]:
        return sorted(tally.session_id for tally in self.tallies if which(tally))


class Asker:
    """Calls tools, and counts what they answer."""

    def __init__(self, client: Client, told: Told) -> None:
        self._client = client
        self._read: dict[str, list[Any]] = {}
        self.called: set[str] = set()
        self.yesterday = told.yesterday

    async def __call__(self, name: str, **given: Any) -> Any:
        self.called.add(name)
        result = await self._client.call_tool(name, {name.rstrip("_"): value for name, value in given.items()})
        assert not result.is_error, result.content
        (content,) = result.content
        assert len(content.text.encode()) <= 4 * 8000, f"{name} answers more than 8,000 tokens"
        return json.loads(content.text)

    async def ids(self, **given: Any) -> list[str]:
        return [session["session_id"] for session in (await self("find_sessions", **given))["sessions"]]

    async def sql(self, statement: str) -> Any:
        return (await self("query_sql", sql=statement))["rows"]

    async def measured(self, series: str, group_by: str, **more: Any) -> dict[str, Any]:
        groups = (await self("metrics", series=series, group_by=group_by, **more))["groups"]
        return {group["key"]: group["total"][series] for group in groups}

    async def turns(self, topic: str) -> list[Any]:
        """All turns of a session, over as many pages as there are, with their messages; read once for all questions."""
        if topic in self._read:
            return self._read[topic]
        found, cursor = self._read.setdefault(topic, []), dict[str, str]()
        while True:
            page = await self("read_session", session_id=f"{topic}-test", **cursor)
            found += [{**turn, "messages": page["messages"]} for turn in page["turns"]]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def open(self, turn: Any, step: Any) -> Any:
        return (await self("read_step", trace_id=turn["trace_id"], span_id=step["span_id"]))["step"]


Question = Callable[[Asker], Any]


def rounded(costs: dict[str, Any]) -> dict[str, float]:
    return {key: round(float(cost), 9) for key, cost in costs.items()}


def steps_of(turns: list[Any], **wanted: str) -> list[tuple[Any, Any]]:
    """Turns and steps of which these members are these."""
    return [(turn, step) for turn in turns for step in turn["steps"] if wanted.items() <= step.items()]


async def how_many_sessions_are_there(ask: Asker) -> Any:
    (group,) = (await ask("metrics", series="sessions"))["groups"]
    return group["total"]["sessions"]


async def which_session_cost_most(ask: Asker) -> Any:
    return (await ask.ids(sort="cost", limit=1))[0]


async def which_sessions_cost_most_yesterday(ask: Asker) -> Any:
    return sorted(await ask.ids(from_=ask.yesterday, to=ask.yesterday, sort="cost", limit=2))


async def how_many_sessions_were_there_yesterday(ask: Asker) -> Any:
    (group,) = (await ask("metrics", series="sessions", from_=ask.yesterday, to=ask.yesterday))["groups"]
    return group["total"]["sessions"]


async def which_sessions_had_an_error(ask: Asker) -> Any:
    return sorted(await ask.ids(query="has:error"))


async def which_sessions_of_ada_had_errors(ask: Asker) -> Any:
    return await ask.ids(query="user:ada has:error")


async def what_was_the_error_of_the_invoice(ask: Asker) -> Any:
    (session,) = (await ask("find_sessions", query="tag:billing"))["sessions"]
    return session["last_error"]


async def why_was_the_transfer_not_booked(ask: Asker) -> Any:
    turns = await ask.turns("transfer")
    ((turn, step),) = steps_of(turns, kind="tool", status="error")
    opened = await ask.open(turn, step)
    return turn["input"], step["name"], opened["agent"], opened["error"]


async def how_often_was_the_model_called_again(ask: Asker) -> Any:
    failed = steps_of(await ask.turns("transfer"), kind="model", status="error", error=LIMIT)
    return [sum(turn["input"] == said for turn, _ in failed) for said in TRANSFER]


async def what_did_the_guardrail_say(ask: Asker) -> Any:
    ((turn, step),) = steps_of(await ask.turns("transfer"), kind="guardrail")
    return json.loads((await ask.open(turn, step))["messages_out"][0]["parts"][0]["text"])


async def which_session_has_most_turns(ask: Asker) -> Any:
    return (await ask.ids(sort="traces", limit=1))[0]


async def how_many_turns_has_the_longest_session(ask: Asker) -> Any:
    turns = await ask.turns("incident")
    return len(turns), len({turn["trace_id"] for turn in turns})


async def after_which_turn_was_the_longest_pause(ask: Asker) -> Any:
    gaps = [turn["gap_ns"] for turn in await ask.turns("incident")]
    return gaps.index(max(gaps)), round(max(gaps) / 60e9)


async def how_long_was_the_longest_pause(ask: Asker) -> Any:
    return await ask.sql("SELECT SessionId, round(LongestGap / 6e10) FROM sessions ORDER BY LongestGap DESC LIMIT 1")


async def who_planned_a_tour(ask: Asker) -> Any:
    (session,) = (await ask("find_sessions", query='"hut tour of three days"'))["sessions"]
    return session["user_ids"]


async def what_did_emmy_ask_third(ask: Asker) -> Any:
    (session_id,) = await ask.ids(query="user:emmy tag:planning")
    return (await ask("read_session", session_id=session_id))["turns"][2]["input"]


async def which_fields_choose_by_model(ask: Asker) -> Any:
    listed = await ask("fields")
    return [field["name"] for field in listed["fields"] if field["name"] == "model"]


async def which_tables_have_turns(ask: Asker) -> Any:
    listed = await ask("fields")
    return [table["name"] for table in listed["tables"] if table["name"] == "session_traces"]


async def which_model_costs_most(ask: Asker) -> Any:
    return next(iter(await ask.measured("cost", "model")))


async def how_many_tokens_did_opus_take(ask: Asker) -> Any:
    return (await ask.measured("tokens", "model"))[OPUS]


async def how_many_turns_had_each_user(ask: Asker) -> Any:
    return await ask.measured("traces", "user")


async def what_did_each_user_cost(ask: Asker) -> Any:
    return rounded(await ask.measured("cost", "user", top=20))


async def how_many_tokens_were_used(ask: Asker) -> Any:
    (group,) = (await ask("metrics", series="tokens"))["groups"]
    return group["total"]["tokens"]


async def which_tools_were_called_in_returns(ask: Asker) -> Any:
    return sorted(step["name"] for _, step in steps_of(await ask.turns("returns"), kind="tool"))


async def which_number_did_the_registry_not_answer_for(ask: Asker) -> Any:
    ((turn, step),) = steps_of(await ask.turns("invoice"), name="check_vat", status="error")
    opened = await ask.open(turn, step)
    return "ATU12345678" in json.dumps(opened["messages_in"]), opened["status"]


async def which_tool_failed_most(ask: Asker) -> Any:
    return await ask.sql(
        "SELECT StepName, count() FROM session_spans WHERE StepKind = 'tool' AND StatusCode = 'Error' "
        "GROUP BY ALL ORDER BY count() DESC, StepName"
    )


async def in_how_many_sessions_did_the_timetable_fail(ask: Asker) -> Any:
    return len(await ask.ids(query="tool:timetable has:error"))


async def what_makes_the_dearest_session_dear(ask: Asker) -> Any:
    turns = await ask.turns("catalogue")
    turn, step = steps_of(turns, name="list_catalogue")[0]
    opened = await ask.open(turn, step)
    (part,) = opened["messages_out"][0]["parts"]
    products, found = part["result"]["products"], part["result"].get("products_length")
    return products[0]["sku"], found or len(products), any(each["input_tokens"] > 70_000 for each in turns)


async def which_sessions_are_dear_and_long(ask: Asker) -> Any:
    return sorted(await ask.ids(query="cost>0.005 turns>=5"))


async def which_sessions_are_not_of_gpt(ask: Asker) -> Any:
    return sorted(await ask.ids(query="-model:gpt*"))


async def which_sessions_have_calls_without_a_price(ask: Asker) -> Any:
    return await ask.ids(query="is:unpriced")


async def which_of_the_city_store_cost_a_dollar(ask: Asker) -> Any:
    return await ask.ids(query="metadata.tenant:city-store cost>1")


async def what_answered_the_last_turn_of_the_warranty(ask: Asker) -> Any:
    session = (await ask("read_session", session_id="warranty-test"))["session"]
    return session["output"].startswith("About 12 days")


async def which_agents_took_part(ask: Asker) -> Any:
    return sorted({step["agent"] for turn in await ask.turns("tax-bug") for step in turn["steps"] if "agent" in step})


async def what_did_the_lead_think_first(ask: Asker) -> Any:
    turn, step = steps_of(await ask.turns("tax-bug"), kind="model", agent="Coordinator")[0]
    parts = (await ask.open(turn, step))["messages_out"][0]["parts"]
    return [part["text"][:22] for part in parts if part["type"] == "reasoning"]


async def how_many_refunds_ran_at_once(ask: Asker) -> Any:
    return await ask.sql("SELECT count() FROM session_spans WHERE SessionId = 'tax-bug-test' AND StepName = 'refund'")


TRANSFER = (
    "Book us a transfer from Innsbruck to Neustift on Friday.", "Yes, please.", "Did it work?",
    "Take my colleague's card", "Then send me an invoice.", "Hello?",
)  # fmt: skip
QUESTIONS: list[tuple[Question, Callable[[Told], Any]]] = [
    (how_many_sessions_are_there, lambda told: len(told.tallies)),
    (which_session_cost_most, lambda told: max(told.tallies, key=lambda tally: tally.cost).session_id),
    (which_sessions_cost_most_yesterday, lambda _: ["shop-11-test", "shop-16-test"]),
    (
        how_many_sessions_were_there_yesterday,
        lambda told: len(told.ids(lambda tally: tally.start_ns // DAY_NS < told.now_ns // DAY_NS)),
    ),
    (which_sessions_had_an_error, lambda told: told.ids(lambda tally: tally.errors)),
    (which_sessions_of_ada_had_errors, lambda _: ["timetable-1-test"]),
    (what_was_the_error_of_the_invoice, lambda _: "the registry answered 503 Service Unavailable"),
    (why_was_the_transfer_not_booked, lambda _: ("Yes, please.", "book_transfer", "Booking", CARD)),
    (how_often_was_the_model_called_again, lambda _: [2, 0, 0, 0, 3, 0]),
    (what_did_the_guardrail_say, lambda _: {"blocked": True, "policy": "payment data of others"}),
    (which_session_has_most_turns, lambda _: "incident-test"),
    (how_many_turns_has_the_longest_session, lambda _: (240, 240)),
    (after_which_turn_was_the_longest_pause, lambda _: (120, 90)),
    (how_long_was_the_longest_pause, lambda _: [["incident-test", 90]]),
    (who_planned_a_tour, lambda _: ["emmy"]),
    (what_did_emmy_ask_third, lambda _: "What must I carry?"),
    (which_fields_choose_by_model, lambda _: ["model"]),
    (which_tables_have_turns, lambda _: ["session_traces"]),
    (which_model_costs_most, lambda _: OPUS),
    (how_many_tokens_did_opus_take, lambda told: sum(tokens(told.tally("catalogue")))),
    (how_many_turns_had_each_user, lambda told: told.total(lambda tally: tally.traces)),
    (what_did_each_user_cost, lambda told: rounded(told.total(lambda tally: tally.cost))),
    (how_many_tokens_were_used, lambda told: sum(sum(tokens(tally)) for tally in told.tallies)),
    (which_tools_were_called_in_returns, lambda _: ["create_label", "get_order", "send_mail"]),
    (which_number_did_the_registry_not_answer_for, lambda _: (True, "error")),
    (which_tool_failed_most, lambda _: [["timetable", 8], ["book_transfer", 1], ["check_vat", 1]]),
    (in_how_many_sessions_did_the_timetable_fail, lambda _: 4),
    (what_makes_the_dearest_session_dear, lambda _: ("R-00000", 1400, True)),
    (which_sessions_are_dear_and_long, lambda _: ["catalogue-test", "hut-tour-test", "incident-test", "tax-bug-test"]),
    (which_sessions_are_not_of_gpt, lambda told: told.ids(lambda tally: not any("gpt" in m for m in tally.models))),
    (which_sessions_have_calls_without_a_price, lambda _: ["photos-test"]),
    (which_of_the_city_store_cost_a_dollar, lambda _: ["catalogue-test"]),
    (what_answered_the_last_turn_of_the_warranty, lambda _: True),
    (which_agents_took_part, lambda _: ["Coder", "Coordinator", "Researcher", "Reviewer"]),
    (what_did_the_lead_think_first, lambda _: ["A cent too much on som"]),
    (how_many_refunds_ran_at_once, lambda _: [[4]]),
]

OF_EACH_TOOL = (
    which_tables_have_turns, how_many_sessions_were_there_yesterday, which_sessions_are_dear_and_long,
    what_did_the_guardrail_say, which_tool_failed_most,
)  # fmt: skip
"""Together these call every tool."""


def tokens(tally: demo.Tally) -> tuple[int, int]:
    return tally.input_tokens, tally.output_tokens


@dataclass(frozen=True)
class Service:
    told: Told
    config: Path
    web: str

    async def ask(self, questions: Sequence[Question], over: Any) -> tuple[dict[Question, Any], set[str]]:
        """What the client found out, by question, and the tools that it called."""
        async with Client(over) as client:
            ask = Asker(client, self.told)
            return {question: await question(ask) for question in questions}, ask.called


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = Directory(tmp_path_factory.mktemp("asked"))
    settings = yaml.safe_load(config(directory.data()))
    settings["extensions"]["web"] = {"endpoint": ANY}
    settings["service"]["extensions"].append("web")
    file = directory.write(yaml.safe_dump(settings))
    running = directory.start(file.read_text())
    now_ns = datetime.now(UTC).timestamp() // 86_400 * DAY_NS - DAY_NS // 2
    tallies = demo.run(
        f"http://{running.endpoints['otlp/grpc']}", scenarios=[*demo.SCENARIOS], run_id="test", now_ns=int(now_ns)
    )
    spans = sum(tally.spans for tally in tallies)
    wait_until(lambda: running.sql("SELECT toUInt32(sum(SpanCount)) FROM sessions") == [[spans]])
    yield Service(Told(tallies, int(now_ns)), file, running.endpoints["web"])
    directory.close()


@pytest.fixture(scope="module")
def over_http(service: Service) -> dict[Question, Any]:
    answers, _ = asyncio.run(service.ask([question for question, _ in QUESTIONS], f"http://{service.web}/mcp"))
    return answers


@pytest.mark.parametrize(("question", "expected"), QUESTIONS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_question_is_answered_within_eight_thousand_tokens(
    question: Question, expected: Callable[[Told], Any], over_http: dict[Question, Any], service: Service
) -> None:
    assert over_http[question] == expected(service.told)


def test_over_standard_streams_every_tool_answers_the_same(service: Service) -> None:
    arguments = ["-m", "otel_sessions", "mcp", "--config", str(service.config)]
    over = StdioServerParameters(command=sys.executable, args=arguments)
    expected = {question: right(service.told) for question, right in QUESTIONS if question in OF_EACH_TOOL}
    assert asyncio.run(service.ask(OF_EACH_TOOL, over)) == (expected, set(TOOLS))

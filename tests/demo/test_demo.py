from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_sessions import demo
from otel_sessions.queries import sessions
from tests.demo.playing import Sent

TOPICS = ["sizing", "returns", "hut-tour", "invoice", "warranty"]


def spans(body: bytes) -> Iterator[tuple[str, Span]]:
    """The spans of a request, each with the name of its service."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        names = {item.key: item.value.string_value for item in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield names["service.name"], span


def attributes(span: Span) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


def test_it_tells_of_each_turn(sent: Sent) -> None:
    assert Counter(sent.turns) == {tally.session_id: tally.traces for tally in sent.tallies}
    assert len(sent.turns) == demo.SCENARIOS["chat"].turns


def test_every_span_it_counts_is_sent_once(sent: Sent) -> None:
    every = [span.span_id for body in sent.bodies for _, span in spans(body)]
    assert len(every) == len(set(every)) == sum(tally.spans for tally in sent.tallies)


def test_no_span_is_in_the_future_and_children_are_within_their_parents(sent: Sent) -> None:
    every = {span.span_id: span for body in sent.bodies for _, span in spans(body)}
    for span in every.values():
        assert span.start_time_unix_nano < span.end_time_unix_nano < sent.ended_ns
        if span.parent_span_id:
            parent = every[span.parent_span_id]
            assert parent.start_time_unix_nano < span.start_time_unix_nano
            assert span.end_time_unix_nano < parent.end_time_unix_nano


def test_a_trace_goes_over_both_services(sent: Sent) -> None:
    services: dict[bytes, set[str]] = {}
    for body in sent.bodies:
        for service, span in spans(body):
            services.setdefault(span.trace_id, set()).add(service)
    assert {"chat-api", "retriever"} in services.values()


def test_one_session_id_is_on_the_root_alone_which_comes_after_its_children(sent: Sent) -> None:
    requests = [list(spans(body)) for body in sent.bodies]
    roots = [
        (number, span) for number, request in enumerate(requests) for _, span in request if not span.parent_span_id
    ]
    late = [
        (number, root)
        for number, root in roots
        if not any(
            "session.id" in attributes(span)
            for request in requests
            for _, span in request
            if span.trace_id == root.trace_id and span is not root
        )
        and attributes(root)["session.id"] == "sizing-test"
    ]
    children = {
        number
        for number, request in enumerate(requests)
        for _, span in request
        if late[0][1].trace_id == span.trace_id and span.parent_span_id
    }
    assert len(late) == 1
    assert max(children) < late[0][0]


def test_an_agent_repeats_the_usage_of_its_calls(sent: Sent) -> None:
    named = [span for body in sent.bodies for _, span in spans(body) if span.name == "invoke_agent Tour Planner"]
    calls = [
        attributes(span)
        for body in sent.bodies
        for _, span in spans(body)
        if named[0].span_id == span.parent_span_id and span.name.startswith("chat ")
    ]
    assert len(named) == 1
    assert len(calls) == 2
    for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cost"):
        assert attributes(named[0])[key] == pytest.approx(sum(call[key] for call in calls))


def test_a_tool_fails_and_a_model_call_times_out_and_is_made_again(sent: Sent) -> None:
    failed = [
        (span.name, attributes(span)["error.type"], [event.name for event in span.events])
        for body in sent.bodies
        for _, span in spans(body)
        if span.status.code == Status.STATUS_CODE_ERROR
    ]
    assert failed == [
        ("execute_tool check_vat", "ToolError", ["exception"]),
        ("chat claude-sonnet-4-5", "TimeoutError", ["exception"]),
    ]


def test_another_run_has_other_sessions_with_the_same_figures(sent: Sent) -> None:
    assert [tally.session_id for tally in sent.tallies] == [f"{topic}-test" for topic in TOPICS]
    assert [tally.traces for tally in sent.tallies] == [5, 4, 6, 3, 2]
    assert [tally.errors for tally in sent.tallies] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("topic", TOPICS)
def test_ClickHouse_says_of_a_session_what_the_demo_says(
    sent: Sent, stored: str, otel_client: Client, topic: str
) -> None:
    tally = sent.tally(topic)
    row = sessions.one(otel_client, project=stored, session_id=tally.session_id)
    assert row is not None
    assert row["TraceCount"] == tally.traces
    assert row["SpanCount"] == tally.spans
    assert row["ErrorCount"] == tally.errors
    assert row["InputTokens"] == tally.input_tokens
    assert row["OutputTokens"] == tally.output_tokens
    assert row["Cost"] == float(tally.cost)
    assert row["Duration"] == tally.end_ns - tally.start_ns
    assert row["UserIds"] == [tally.user_id]
    assert row["ServiceNames"] == sorted(tally.services)
    assert row["Models"] == sorted(tally.models)
    assert row["Environments"] == ["demo"]
    assert row["Tags"]
    minutes = sessions.timeline(otel_client, project=stored, session_id=tally.session_id)
    assert len(minutes) == len(tally.minutes) > 1


def test_the_turns_show_what_was_asked_and_answered(stored: str, otel_client: Client) -> None:
    turns = sessions.traces(otel_client, project=stored, session_id="hut-tour-test")
    assert [turn["Name"] for turn in turns] == ["chat turn"] * 6
    assert turns[0]["Input"] == "Plan me a hut tour of three days in the Stubai Alps for early July."
    assert turns[0]["Output"].startswith("Day 1 Neustift to Innsbrucker Hut")
    assert {turn["UserId"] for turn in turns} == {"emmy"}

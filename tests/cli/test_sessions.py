from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sessions.cli import access, asking
from otel_sessions.clickhouse import surface
from otel_sessions.clickhouse.at_once import at_once
from otel_sessions.pdata import NO_CLAIM
from otel_sessions.queries import sessions
from otel_sessions.queries.filters import Filter
from tests.cli.conftest import Run, Served, listed, write_config
from tests.integration.delivery import EPOCH, new_project
from tests.integration.running import wait_until
from tests.queries.test_sessions import ODD_IDS, span, store


@pytest.fixture
def direct(tmp_path: Path, chdb_path: Path, otel_client: Client) -> Path:
    return write_config(tmp_path, f"chdb://{chdb_path}")


WIDE = {"COLUMNS": "160"}  # a table has fewer columns on a narrow terminal


def test_the_list_shows_what_was_sent_the_last_active_first(run: Run, served: Served) -> None:
    result = run("sessions", "list", "--limit", 100, "--config", served.config, env=WIDE)
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if "-test" in line]
    order = ["warranty-test", "invoice-test", "hut-tour-test", "returns-test", "sizing-test"]
    assert [line.split()[0] for line in lines] == order
    for word in ("katherine", "claude-sonnet-4-5", " ago", "$0.00"):
        assert word in lines[0]


def test_the_list_as_json_is_a_list_in_the_names_of_rest(run: Run, served: Served) -> None:
    found = listed(run, served.config)
    for tally in served.tallies:
        row = found[tally.session_id]
        assert row["trace_count"] == tally.traces
        assert row["span_count"] == tally.spans
        assert row["error_count"] == tally.errors
        assert row["cost"] == float(tally.cost)
        assert row["user_ids"] == [tally.user_id]
        assert str(row["start_time"]).endswith("Z")


def test_the_list_is_bounded_by_its_limit(run: Run, served: Served) -> None:
    assert len(json.loads(run("sessions", "list", "--json", "--limit", 2, "--config", served.config).stdout)) == 2
    assert run("sessions", "list", "--limit", 0, "--config", served.config).exit_code == 2


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_any_session_id_is_found_through_the_service(run: Run, served: Served, session_id: str) -> None:
    result = run("sessions", "show", "--json", "--config", served.config, "--", session_id)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["session_id"] == session_id


def test_show_tells_figures_turns_and_minutes(run: Run, served: Served) -> None:
    result = run("sessions", "show", "invoice-test", "--config", served.config)
    assert (result.exit_code, result.stderr) == (0, "")
    for text in (
        "alan",
        "3 (13 spans)",
        "billing, support",
        "> ATU12345678",
        "< The number is valid.",
        "█",
        "chat turn",
    ):
        assert text in result.stdout


def test_show_as_json_is_an_object_with_its_turns_and_minutes(run: Run, served: Served) -> None:
    result = run("sessions", "show", "hut-tour-test", "--json", "--config", served.config)
    found = json.loads(result.stdout)
    tally = next(tally for tally in served.tallies if tally.session_id == "hut-tour-test")
    assert found["session_id"] == "hut-tour-test"
    assert len(found["traces"]) == tally.traces
    assert sum(turn["span_count"] for turn in found["traces"]) == tally.spans
    assert [minute["minute"] for minute in found["timeline"]] == sorted(
        minute["minute"] for minute in found["timeline"]
    )
    assert sum(minute["input_tokens"] for minute in found["timeline"]) == tally.input_tokens


def test_a_missing_session_is_exit_status_1_and_a_line_on_stderr(run: Run, served: Served) -> None:
    for more in ([], ["--json"], ["--project", "other"]):
        result = run("sessions", "show", "nope", *more, "--config", served.config)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "nope" in result.stderr


def test_data_that_nobody_owns_are_read_directly(run: Run, direct: Path, otel_client: Client) -> None:
    project = new_project()
    store(otel_client, span(project, "s1"), span(project, "s2", 2, start=5))
    arguments = ["--project", project, "--config", direct]
    assert [line.split()[0] for line in run("sessions", "list", *arguments).stdout.splitlines()[1:]] == ["s2", "s1"]
    row = sessions.one(otel_client, project=project, session_id="s1")
    found = json.loads(run("sessions", "show", "s1", "--json", *arguments).stdout)
    assert row is not None
    assert found["end_time"].replace("T", " ").removesuffix("Z") == row["EndTime"]


def test_a_project_without_sessions_says_so(run: Run, direct: Path) -> None:
    arguments = ["--project", new_project(), "--config", direct]
    result = run("sessions", "list", *arguments)
    assert result.exit_code == 0
    assert "no sessions" in result.stdout
    assert run("sessions", "list", "--json", *arguments).stdout == "[]\n"


def test_nothing_in_a_session_reaches_the_terminal_as_a_command(run: Run, direct: Path, otel_client: Client) -> None:
    project = new_project()
    store(otel_client, span(project, "\x1b[31mred\x07\u202e"))
    shown = run("sessions", "list", "--project", project, "--config", direct, env=WIDE).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\u001b[31mred\\u0007\\u202e" in shown


def test_a_beginning_that_no_other_session_has_is_enough(run: Run, served: Served) -> None:
    found = run("sessions", "show", "hut", "--json", "--config", served.config)
    assert json.loads(found.stdout)["session_id"] == "hut-tour-test"


def test_a_whole_id_comes_before_those_that_begin_with_it(run: Run, direct: Path, otel_client: Client) -> None:
    project = new_project()
    store(otel_client, span(project, "chat"), span(project, "chat-1", 2), span(project, "chat-2", 3))
    arguments = ["--project", project, "--config", direct]
    assert json.loads(run("sessions", "show", "chat", "--json", *arguments).stdout)["session_id"] == "chat"
    several = run("sessions", "show", "cha", *arguments)
    assert several.exit_code == 1
    assert "several begin so: chat" in several.stderr
    near = run("sessions", "show", "chat-3", *arguments)
    assert near.exit_code == 1
    assert "near it: chat-" in near.stderr


def test_spans_are_shown_as_a_tree_with_their_errors(run: Run, served: Served) -> None:
    result = run("sessions", "show", "invoice-test", "--spans", "--config", served.config)
    assert "├── execute_tool check_vat" in result.stdout
    assert "! the registry answered 503" in result.stdout
    found = json.loads(run("sessions", "show", "invoice-test", "--spans", "--json", "--config", served.config).stdout)
    assert len(found["spans"]) == found["span_count"]


def test_turns_are_bounded_by_the_limit_which_says_so(run: Run, served: Served) -> None:
    result = run("sessions", "show", "hut-tour-test", "--limit", 2, "--config", served.config)
    assert result.stdout.count("chat turn") == 2
    assert "and 4 turns more" in result.stdout


def test_a_list_of_nothing_tells_of_other_projects_and_of_spans_without_a_session(
    run: Run, direct: Path, otel_client: Client
) -> None:
    project, other = new_project(), new_project()
    now = (time.time_ns() - EPOCH) // 1_000_000_000
    store(otel_client, replace(span(project, "", start=now), level=NO_CLAIM))
    store(otel_client, span(other, "s1"))
    result = run("sessions", "list", "--project", project, "--config", direct)
    assert "no sessions" in result.stdout
    assert "none names a session" in result.stderr
    assert "session.id" in result.stderr
    assert "--project" in result.stderr
    assert run("sessions", "list", "--json", "--project", project, "--config", direct).stderr == ""


def test_full_texts_are_read_from_the_spans(run: Run, served: Served) -> None:
    text = "\n".join(f"line {number} of a long question" for number in range(200))
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"http://{served.endpoints['otlp/grpc']}", insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    attributes = {"session.id": "long", "gen_ai.operation.name": "chat", "gen_ai.input.messages": messages}
    provider.get_tracer("test").start_span("chat", attributes=attributes).end()
    provider.shutdown()
    arguments = ["sessions", "show", "long", "--config", served.config]
    wait_until(lambda: run(*arguments).exit_code == 0)
    assert "line 199 of" not in run(*arguments).stdout
    shown = run(*arguments, "--full").stdout
    assert all(f"> line {number} of a long question\n" in shown for number in range(200))
    assert json.loads(run(*arguments, "--full", "--json").stdout)["traces"][0]["input"] == text


def test_statements_that_do_not_wait_for_each_other_are_asked_of_a_running_service_at_once(served: Served) -> None:
    both = Barrier(2, timeout=20)

    def ask(client: surface.Client) -> bytes:
        both.wait()
        return client.raw_query("SELECT 1")

    with access.reader_of([served.config], []) as client:
        assert at_once(client, ask, ask) == [b"1\n", b"1\n"]


def test_a_window_may_end_beyond_the_times_that_are_stored() -> None:
    first, last = (asking.moment(day, "--to", end=True) for day in ("0001-01-01", "9999-12-31"))
    assert Filter(from_ns=first, to_ns=last).is_empty
    assert asking.moment("2262-01-01", "--to", end=True) == 9_214_732_799_999_999_999

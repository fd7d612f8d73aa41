"""Transcripts of coding agents as sessions: what they count, and that importing again changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otel_sessions.cli.importing import atif, claude_code, codex
from otel_sessions.cli.importing.conversation import requests
from otel_sessions.cli.importing.lines import objects
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from tests.cli.conftest import Run, Served, listed
from tests.integration.running import wait_until

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
USAGE = {"input_tokens": 14, "cache_read_input_tokens": 5200, "cache_creation_input_tokens": 310, "output_tokens": 96}


def at(second: int) -> str:
    return (BEGIN + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


def claude(second: int, role: str, content: Any, **message: Any) -> dict[str, Any]:
    return {
        "type": role, "uuid": f"u{second}", "sessionId": "cc-1", "timestamp": at(second), "cwd": "/src",
        "version": "2.1", "message": {"role": role, "content": content, **message},
    }  # fmt: skip


def answer(second: int, id_: str, block: dict[str, Any]) -> dict[str, Any]:
    return claude(second, "assistant", [block], id=id_, model="claude-sonnet-4-5", usage=USAGE)


CLAUDE = [
    {"type": "summary", "summary": "about boots"},
    claude(0, "user", "<command-name>/model</command-name>"),
    claude(1, "user", "Why does the test fail?"),
    answer(3, "m1", {"type": "thinking", "thinking": "Let me look."}),
    answer(4, "m1", {"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "a.py"}}),
    claude(6, "user", [{"type": "tool_result", "tool_use_id": "t1", "content": "no such file", "is_error": True}]),
    answer(9, "m2", {"type": "text", "text": "It is not there."}),
    claude(10, "assistant", [{"type": "text", "text": "API Error"}], id="m3", model="<synthetic>", usage=USAGE),
    claude(60, "user", "Then write it."),
    answer(62, "m4", {"type": "text", "text": "Done."}),
]  # fmt: skip


def event(second: int, type_: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": at(second), "type": type_, "payload": payload}


def tokens(second: int, total: int, last: int) -> dict[str, Any]:
    usage = {"input_tokens": last - 20, "cached_input_tokens": 30, "output_tokens": 20, "reasoning_output_tokens": 5}
    info = {"total_token_usage": {"total_tokens": total}, "last_token_usage": {**usage, "total_tokens": last}}
    return event(second, "event_msg", type="token_count", info=info)


CODEX = [
    event(0, "session_meta", id="cx-1", cwd="/src", cli_version="0.60", git={"branch": "main"}),
    event(0, "response_item", type="message", role="user", content=[{"text": "<environment_context>"}]),
    event(1, "turn_context", model="gpt-5-codex"),
    event(2, "response_item", type="message", role="user", content=[{"type": "input_text", "text": "Run the tests"}]),
    event(2, "event_msg", type="user_message", message="Run the tests"),
    event(3, "response_item", type="function_call", name="shell", call_id="c1", arguments='{"command": ["pytest"]}'),
    tokens(4, 120, 120),
    event(8, "response_item", type="function_call_output", call_id="c1",
          output='{"output": "2 failed", "metadata": {"exit_code": 1}}'),
    tokens(8, 120, 120),
    event(9, "response_item", type="message", role="assistant", content=[{"type": "output_text", "text": "Two fail."}]),
    tokens(10, 270, 150),
]  # fmt: skip


ATIF = {
    "schema_version": "ATIF-v1.4",
    "session_id": "at-1",
    "agent": {"name": "harbor-agent", "version": "1.0", "model_name": "gpt-5-codex"},
    "steps": [
        {"step_id": 1, "timestamp": at(0), "source": "system", "message": "You help."},
        {"step_id": 2, "timestamp": at(1), "source": "user", "message": "What does GOOGL cost?"},
        {
            "step_id": 3, "timestamp": at(4), "source": "agent", "message": "", "reasoning_content": "Look it up.",
            "tool_calls": [{"tool_call_id": "c1", "function_name": "search", "arguments": {"ticker": "GOOGL"}}],
            "observation": {"results": [{"source_call_id": "c1", "content": "185.35"}]},
            "metrics": {"prompt_tokens": 500, "completion_tokens": 80, "cached_tokens": 200, "cost_usd": 0.25},
        },
        {
            "step_id": 4, "timestamp": at(9), "source": "agent", "message": "185.35 dollars.",
            "metrics": {"prompt_tokens": 600, "completion_tokens": 20},
        },
        {"step_id": 5, "source": "user", "message": "Thanks."},
    ],
}  # fmt: skip


def written(directory: Path, lines: list[dict[str, Any]], name: str) -> Path:
    file = directory / name
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"type": "assi', encoding="utf-8")
    return file


def rows(file: Path, dialect: Any) -> list[dict[str, Any]]:
    bodies = [body for body, _ in requests(dialect.read(objects(file)))]
    found = SessionProcessor(SessionConfig()).process(decode(bodies, ["p"] * len(bodies)).batch)
    made: list[dict[str, Any]] = found.record.to_pylist()
    return made


def test_a_transcript_of_claude_code_counts_each_answer_once_and_its_cache_as_input(tmp_path: Path) -> None:
    found = rows(written(tmp_path, CLAUDE, "a.jsonl"), claude_code)
    calls = [row for row in found if row["IsModelCall"]]
    assert [(row["InputTokens"], row["OutputTokens"], row["CachedInputTokens"]) for row in calls] == [
        (5524, 96, 5200)
    ] * 3
    assert [row["CacheCreationInputTokens"] for row in calls] == [310] * 3
    assert all(row["Cost"] > 0 for row in calls)
    assert {row["ClaimId"] for row in found} == {"cc-1"}
    roots = [row for row in found if row["IsRoot"]]
    assert [(row["Input"], row["Output"]) for row in roots] == [
        ("Why does the test fail?", "It is not there."),
        ("Then write it.", "Done."),
    ]
    (tool,) = (row for row in found if row["IsToolCall"])
    assert (tool["StepName"], tool["StatusCode"], tool["StatusMessage"]) == ("Read", "Error", "no such file")
    assert tool["Duration"] == 2 * 10**9
    assert len({row["TraceId"] for row in found}) == 2


def test_a_transcript_of_codex_counts_what_each_answer_took(tmp_path: Path) -> None:
    found = rows(written(tmp_path, CODEX, "a.jsonl"), codex)
    calls = [row for row in found if row["IsModelCall"]]
    assert [(row["TotalTokens"], row["InputTokens"], row["ReasoningTokens"]) for row in calls] == [
        (120, 100, 5),
        (150, 130, 5),
    ]
    assert [row["Model"] for row in calls] == ["gpt-5-codex"] * 2
    (tool,) = (row for row in found if row["IsToolCall"])
    assert (tool["StepName"], tool["StatusCode"], tool["Output"]) == ("shell", "Error", "2 failed")
    (root,) = (row for row in found if row["IsRoot"])
    assert (root["Input"], root["Output"], root["ClaimId"]) == ("Run the tests", "Two fail.", "cx-1")


def test_a_trajectory_counts_what_its_steps_took_and_keeps_their_cost(tmp_path: Path) -> None:
    file = tmp_path / "trajectory.json"
    file.write_text(json.dumps(ATIF, indent=2))
    trajectory = atif.load(file)
    assert trajectory is not None
    conversation = atif.read(trajectory)
    bodies = [body for body, _ in requests(conversation)]
    assert bodies == [body for body, _ in requests(atif.read(trajectory))]
    batch = SessionProcessor(SessionConfig()).process(decode(bodies, ["p"] * len(bodies)).batch)
    found = batch.record.to_pylist()
    calls = [row for row in found if row["IsModelCall"]]
    assert [(row["InputTokens"], row["OutputTokens"], row["CachedInputTokens"]) for row in calls] == [
        (500, 80, 200),
        (600, 20, 0),
    ]
    assert [(float(row["Cost"]), row["CostSource"]) for row in calls[:1]] == [(0.25, "attribute")]
    assert calls[1]["CostSource"] == "prices"
    (tool,) = (row for row in found if row["IsToolCall"])
    assert (tool["StepName"], tool["Output"], tool["Duration"]) == ("search", "185.35", 5 * 10**9)
    roots = [(row["Input"], row["Output"], row["ClaimId"]) for row in found if row["IsRoot"]]
    assert roots == [("What does GOOGL cost?", "185.35 dollars.", "at-1"), ("Thanks.", "", "at-1")]
    timeless = {**ATIF, "steps": [{"step_id": 1, "source": "user", "message": "When?"}]}
    assert atif.read(timeless).turns == []
    file.write_text("[1]")
    assert atif.load(file) is None


@pytest.mark.parametrize(("lines", "dialect"), [(CLAUDE, claude_code), (CODEX, codex)])
def test_a_transcript_is_the_same_spans_each_time_and_goes_on_with_more(
    tmp_path: Path, lines: list[dict[str, Any]], dialect: Any
) -> None:
    whole = rows(written(tmp_path, lines, "a.jsonl"), dialect)
    assert rows(written(tmp_path, lines, "b.jsonl"), dialect) == whole
    ids = {row["SpanId"] for row in whole}
    assert len(ids) == len(whole)
    begun = rows(written(tmp_path, lines[: len(lines) // 2 + 1], "c.jsonl"), dialect)
    assert {row["SpanId"] for row in begun} < ids


def test_transcripts_are_sent_to_the_running_service_and_a_second_time_change_nothing(
    run: Run, served: Served, tmp_path: Path
) -> None:
    files = tmp_path / "transcripts"
    files.mkdir()
    written(files, CLAUDE, "claude.jsonl")
    written(files, CODEX, "codex.jsonl")
    (files / "other.jsonl").write_text('{"a": 1}\n')
    arguments = ("import", files, "--json", "--config", served.config)
    first = run(*arguments)
    assert json.loads(first.stdout) == {"sessions": 2, "turns": 3, "spans": 10}, first.stderr
    assert "other.jsonl is no transcript" in first.stderr
    names = ("turns", "span_count", "model_calls", "tool_calls", "total_tokens", "cost", "error_count")

    def figures() -> dict[str, Any]:
        found = listed(run, served.config)
        return {id_: [found[id_].get(name) for name in names] for id_ in ("cc-1", "cx-1") if id_ in found}

    wait_until(lambda: [each[1] for each in figures().values()] == [6, 4])
    before = figures()
    assert run(*arguments).exit_code == 0
    marker = written(tmp_path, [{**line, "sessionId": "after"} for line in CLAUDE], "after.jsonl")
    assert run("import", marker, *arguments[2:]).exit_code == 0
    wait_until(lambda: "after" in listed(run, served.config))
    wait_until(lambda: figures() == before)


def test_without_a_service_it_says_what_to_do(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, CLAUDE, "a.jsonl")
    config = ("--set", f"exporters.clickhouse.endpoint=chdb://{tmp_path / 'data'}")
    result = run("import", file, *config)
    assert (result.exit_code, "name one with --endpoint" in result.stderr) == (1, True)
    result = run("import", file, "--endpoint", "http://127.0.0.1:1")
    assert (result.exit_code, "nobody takes spans at http://127.0.0.1:1/v1/traces" in result.stderr) == (1, True)

"""Sessions chosen, exported and followed from the command line."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.cli.conftest import Run, Served, launched, send_odd_ids
from tests.integration.running import wait_until


def ids(run: Run, served: Served, *arguments: str) -> list[str]:
    result = run("sessions", "list", *arguments, "--json", "--limit", 100, "--config", served.config)
    assert result.exit_code == 0, result.stderr
    return [row["session_id"] for row in json.loads(result.stdout)]


def test_the_list_is_chosen_and_sorted_through_a_running_service(run: Run, served: Served) -> None:
    by_id = {tally.session_id: tally for tally in served.tallies}
    assert set(ids(run, served, "id:*-test has:error")) == {id_ for id_, tally in by_id.items() if tally.errors}
    assert ids(run, served, "user:katherine") == ["warranty-test"]
    assert ids(run, served, "id:*-test", "--sort", "cost", "--order", "asc") == sorted(
        by_id, key=lambda id_: by_id[id_].cost
    )
    assert ids(run, served, "--from", "2100-01-01") == []


def test_words_that_no_quotes_hold_together_are_one_query(run: Run, served: Served) -> None:
    assert ids(run, served, "id:*-test", "has:error") == ids(run, served, "id:*-test has:error")
    without = ids(run, served, "id:*-test", "-has:error", "--sort", "cost")
    assert without == ids(run, served, "id:*-test -has:error", "--sort", "cost") != []
    nothing = run("sessions", "list", "user:nobody", "has:error", "--config", served.config)
    assert "is of this kind: user:nobody has:error" in nothing.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--sort", "costs"], "spans, errors, tokens, cost; did you mean 'cost'?"),
        (["list", "--order", "dsc"], "'dsc' is none of asc, desc; did you mean 'desc'?"),
        (["export", "x", "--format", "jsn"], "none of jsonl, csv, parquet, md, messages; did you mean 'jsonl'?"),
        (["list", "--limit", "5000"], "'--limit': expected at most 1000, not 5000"),
        (["show", "x", "--limit", "many"], "'--limit': expected a whole number, not 'many'"),
        (["list", "--srt", "cost"], "there is no option --srt; did you mean '--sort'?"),
        (["lst"], "there is no command 'lst'; did you mean 'list'?"),
        (["nothing"], "there is no command 'nothing'; there are: delete, export, list, rebuild, show"),
    ],
)  # fmt: skip
def test_who_mistypes_reads_our_words_and_the_nearest_one(run: Run, arguments: list[str], said: str) -> None:
    result = run("sessions", *arguments)
    assert result.exit_code == 2
    assert result.stderr.rstrip().endswith(said), result.stderr


@pytest.mark.parametrize("command", [["sessions", "show"], ["sessions", "export"], ["query"]])
def test_bytes_that_are_no_text_are_refused(run: Run, served: Served, command: list[str]) -> None:
    result = run(*command, "a\udcff", "--config", served.config)
    assert (result.exit_code, result.stderr) == (2, "error: an argument has bytes that are not UTF-8\n")


def test_an_expression_that_is_none_is_shown_with_its_place(run: Run, served: Served) -> None:
    result = run("sessions", "list", "user:ada modle:x", "--config", served.config)
    assert result.exit_code == 1
    assert "did you mean model?\n  user:ada modle:x\n           ^" in result.stderr
    assert run("sessions", "list", "--from", "yesterday", "--config", served.config).exit_code == 2
    assert run("sessions", "list", "--sort", "name", "--config", served.config).exit_code == 2


@pytest.mark.parametrize("format_", ["jsonl", "csv", "md", "messages"])
def test_a_session_is_exported_to_standard_output(run: Run, served: Served, format_: str) -> None:
    result = run("sessions", "export", "warranty-t", "--format", format_, "--config", served.config)
    assert result.exit_code == 0, result.stderr
    spans = next(tally.spans for tally in served.tallies if tally.session_id == "warranty-test")
    lines = result.stdout.splitlines()
    assert {"jsonl": len(lines) == spans, "messages": len(lines) == 1}.get(format_, len(lines) > spans)
    assert run("sessions", "export", "nobody", "--config", served.config).exit_code == 1


def test_tail_prints_turns_of_the_last_seconds_and_ends_with_ctrl_c(served: Served) -> None:
    arguments = ["tail", "id:*-test", "--last", "600", "--json", "--config", str(served.config)]
    turns = sum(tally.traces for tally in served.tallies)
    with launched(*arguments) as process:
        assert process.stdout is not None
        found: list[Any] = [json.loads(process.stdout.readline()) for _ in range(turns)]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert {turn["session_id"] for turn in found} == {tally.session_id for tally in served.tallies}


def test_sessions_are_deleted_through_the_running_service(run: Run, served: Served) -> None:
    config = ("--config", str(served.config))
    odd = ["gone/1", "'gone'\n2", '"gone" \\ 3']
    send_odd_ids(f"http://{served.endpoints['otlp/grpc']}", odd)
    wait_until(lambda: set(odd) <= set(ids(run, served)))
    assert run("sessions", "delete", *config, input="n\n").exit_code == 2
    assert run("sessions", "delete", *config, "--", odd[0], input="n\n").exit_code == 1
    assert run("sessions", "delete", "--yes", *config, "--", odd[0]).exit_code == 0
    again = run("sessions", "delete", *config, "--", odd[0])
    assert again.exit_code == 1
    assert "near it: " in run("sessions", "delete", *config, "--", "waranty-test").stderr
    assert "one begins so: warranty-test" in run("sessions", "delete", *config, "--", "warranty-t").stderr
    quoted = ",".join('"' + id_.replace("\\", "\\\\").replace('"', '\\"') + '"' for id_ in odd[1:])
    result = run("sessions", "delete", "--query", f"id:{quoted}", "--yes", "--json", *config)
    assert json.loads(result.stdout) == {"deleted": 2}, result.stderr
    assert not set(odd) & set(ids(run, served))

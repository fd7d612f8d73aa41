"""What `otel-sessions doctor` finds where something is wrong, and that it finds nothing where all is well."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.cli.doctor import CHECKS
from otel_sessions.cli.doctor.data import look_over
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import Value, request, span
from tests.cli.conftest import Run, Served, write_config
from tests.integration.delivery import insert, new_project

Found = dict[str, list[tuple[str, str]]]
DAY_NS = 86_400 * 10**9


def examined(run: Run, config: Path, *arguments: object, status: int) -> Found:
    """State and message of the findings of each check."""
    result = run("doctor", "--json", "--config", config, *arguments)
    assert result.exit_code == status, result.output
    said = json.loads(result.stdout)
    assert said["well"] == (status == 0)
    found: Found = {}
    for each in said["findings"]:
        assert each["check"] in CHECKS
        assert each["advice"] or each["state"] != "act" or "makes" in each["message"], each
        found.setdefault(each["check"], []).append((each["state"], each["message"]))
    return found


def test_beside_a_service_that_is_well_nothing_needs_doing(run: Run, served: Served) -> None:
    found = examined(run, served.config, "--skip", "sessions", status=0)
    assert {"service", "ports", "disk", "clickhouse", "schema", "clock", "ids", "prices"} == found.keys() - {"log"}
    assert served.endpoints["clickhouse_http"] in found["ports"][0][1]
    text = run("doctor", "--skip", "sessions", "--config", served.config)
    assert text.stdout.rstrip().endswith("all is well")


def test_disks_with_less_room_than_asked_for_are_named(run: Run, served: Served) -> None:
    found = examined(run, served.config, "--min-free", "1000PiB", status=1)
    assert [state for state, _ in found["disk"]] == ["act"]
    assert str(served.data) in found["disk"][0][1]


def test_without_a_service_a_port_that_is_taken_and_data_that_are_not_there_are_named(run: Run, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        path = "receivers.otlp.protocols.grpc.endpoint"
        found = examined(run, config, "--set", f"{path}={address}", status=1)
        assert found["ports"] == [
            ("act", f"{path}: {address} is in use by another process; stop that, or choose another port")
        ]
    assert found["service"][0][0] == "note"
    assert found["clickhouse"] == [("act", found["clickhouse"][0][1])]
    assert "serve` makes it" in found["clickhouse"][0][1]
    assert not (tmp_path / "data").exists()


def test_a_clickhouse_that_is_not_reached_is_named(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    config = write_config(tmp_path, f"http://127.0.0.1:{port}/otel")
    found = examined(run, config, "--set", "service.extensions=[]", status=1)
    assert [(state, f":{port}/otel is not to be read" in text) for state, text in found["clickhouse"]] == [
        ("act", True)
    ]


@pytest.fixture
def other_database(served: Served) -> Iterator[Client]:
    """On the same server, with the record of a migration of another version."""
    host, _, port = served.endpoints["clickhouse_http"].rpartition(":")
    with connect(Endpoint("http", host=host, port=int(port))) as client:
        client.command("CREATE DATABASE other")
        client.command(
            "CREATE TABLE other._schema_migrations (Version UInt32, Name String, Checksum String, "
            "AppliedAt DateTime64(3)) ENGINE = ReplacingMergeTree(AppliedAt) ORDER BY Version"
        )
        yield client
        client.command("DROP DATABASE other")


def test_tables_of_another_version_and_missing_ones_are_named(
    run: Run, served: Served, other_database: Client, tmp_path: Path
) -> None:
    config = write_config(tmp_path, f"http://{served.endpoints['clickhouse_http']}/other")
    without = ("--set", "service.extensions=[]")
    [(state, message)] = examined(run, config, *without, status=1)["schema"]
    assert (state, "0001_otel_traces" in message) == ("act", True)
    other_database.command("INSERT INTO other._schema_migrations SELECT 1, '0001_otel_traces', 'x', now()")
    [(state, message)] = examined(run, config, *without, status=1)["schema"]
    assert (state, "differs from the one that database other has had" in message) == ("act", True)


def test_spans_that_were_set_aside_or_wait_for_a_service_are_named(run: Run, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    log = tmp_path / "log" / "clickhouse" / "traces"
    (log / "quarantine").mkdir(parents=True)
    wal = ("--set", "exporters.clickhouse.sending_queue.storage=wal")
    where = (*wal, "--set", f"exporters.clickhouse.sending_queue.directory={tmp_path / 'log'}")
    assert [state for state, _ in examined(run, config, *where, status=1)["log"]] == ["well"]
    (log / "quarantine" / "1.jsonl").write_text("{}\n")
    (log / "1.wal").write_bytes(b"x" * 2048)
    found = examined(run, config, *where, status=1)["log"]
    assert found == [
        ("act", "3 B of spans are set aside that ClickHouse does not take"),
        ("act", "2.0 KiB wait to be stored"),
    ]


def looked_over(client: Client, project: str, *, ahead_s: float = 0, last_s: float = 3600) -> Found:
    found: Found = {}
    endpoint = Endpoint("chdb", path=Path(), database=str(client.database))
    clock = lambda: time.time_ns() + int(ahead_s * 1e9)  # noqa: E731
    for each in look_over(client, endpoint, project, clock, max_skew_s=2, last_s=last_s):
        found.setdefault(each.check, []).append((each.state, f"{each.message}; {each.advice}"))
    return found


def stored(client: Client, project: str, *turns: dict[str, Value], ahead_s: float = -60) -> None:
    """A trace each, a second after each other."""
    start = time.time_ns() + int(ahead_s * 1e9)
    spans = [
        span("turn", trace_id=f"{number:032x}", span_id=f"{number:016x}", start=start + number * 10**9, attributes=each)
        for number, each in enumerate(turns, 1)
    ]
    batch = decode([request(*spans, resource={"service.name": "shop"}).SerializeToString()], [project]).batch
    insert(client, SessionProcessor(SessionConfig()).process(batch))


def calls(client: Client, **attributes: Value) -> Found:
    project = new_project()
    stored(client, project, {"session.id": "s", "gen_ai.operation.name": "chat", **attributes})
    return looked_over(client, project)


def test_clocks_that_differ_are_named(otel_client: Client) -> None:
    assert looked_over(otel_client, new_project())["clock"][0][0] == "well"
    for ahead_s, where in ((60, "60 s behind"), (-60, "60 s ahead of")):
        [(state, message)] = looked_over(otel_client, new_project(), ahead_s=ahead_s)["clock"]
        assert (state, where in message) == ("act", True), message


def test_spans_from_the_future_tell_of_the_clock_of_their_machine(otel_client: Client) -> None:
    project = new_project()
    stored(otel_client, project, {"session.id": "s"}, ahead_s=3600)
    [_, (state, message)] = looked_over(otel_client, project)["clock"]
    assert (state, "1 span of shop in the future" in message) == ("act", True)


def test_traces_without_a_session_are_named_with_what_to_set(otel_client: Client) -> None:
    project = new_project()
    stored(otel_client, project, {}, {"http.route": "/"}, {"session.id": "s"})
    [(state, message)] = looked_over(otel_client, project)["sessions"]
    assert (state, "2 traces of shop without a session" in message, "session.id" in message) == ("act", True, True)


@pytest.mark.parametrize(
    ("turns", "state"),
    [
        ([{"session.id": f"new-{n}", "user.id": "ada"} for n in range(6)], "act"),
        ([{"gen_ai.conversation.id": f"new-{n}", "user.id": f"u{n % 2}"} for n in range(8)], "act"),
        ([{"session.id": f"new-{n}"} for n in range(25)], "act"),
        ([{"session.id": f"s-{n % 3}", "user.id": "ada"} for n in range(9)], "well"),
        ([{"session.id": f"one-{n}", "user.id": f"user-{n}"} for n in range(25)], "well"),
        ([{"session.id": f"few-{n}"} for n in range(6)], "well"),
    ],
)
def test_ids_that_change_every_turn_are_named(otel_client: Client, turns: list[dict[str, Value]], state: str) -> None:
    project = new_project()
    stored(otel_client, project, *turns)
    [(found, message)] = looked_over(otel_client, project)["ids"]
    assert found == state
    if state == "act":
        assert next(iter(turns[0])) in message


def test_calls_without_a_price_are_named_with_the_setting(otel_client: Client) -> None:
    usage: dict[str, Any] = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1}
    [(state, message)] = calls(otel_client, **{"gen_ai.request.model": "house-model", **usage})["prices"]
    assert (state, "1 call of house-model, 11 tokens" in message, "price_table.prices" in message) == (
        "act", True, True,
    )  # fmt: skip
    assert calls(otel_client, **{"gen_ai.request.model": "gpt-4o", **usage})["prices"][0][0] == "well"
    stated: dict[str, Value] = {"gen_ai.request.model": "house-model", "gen_ai.usage.cost": 0.0, **usage}
    assert calls(otel_client, **stated)["prices"][0][0] == "well"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--skip", "idz"], "there is no check 'idz'; did you mean 'ids'?"),
        (["--min-free", "much"], "write a size as in 64MiB"),
        (["--last", "yesterday"], "write a duration as in 5s"),
    ],
)
def test_what_is_mistyped_is_said_so(run: Run, arguments: list[str], said: str) -> None:
    result = run("doctor", *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True)

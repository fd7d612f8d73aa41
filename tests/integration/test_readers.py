"""The libraries that people read ClickHouse with, as they are installed, with nothing configured but the address.

Each program is made once and kept in the cache of pytest: the Go compiler takes half a minute for one on two cores.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_sessions.testing.otlp import START, new_trace_id, request, span
from tests import installing
from tests.integration.readers import programs
from tests.integration.running import Directory, Running, config

pytestmark = pytest.mark.timeout(installing.TEST_S)
CALL = {
    "session.id": programs.SESSION,
    "user.id": "ada",
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 30,
    "gen_ai.usage.output_tokens": 12,
}


@pytest.fixture(scope="module")
def sql(service: Running) -> str:
    """The address of a service with a session of 42 tokens."""
    service.send(request(span(trace_id=new_trace_id(), name="chat", start=START, attributes=CALL)))
    return service.endpoints["clickhouse_http"]


def cached(request: pytest.FixtureRequest, name: str) -> Path:
    return Path(request.config.cache.mkdir(name))


@pytest.mark.parametrize("version", ["v2.47.0", "latest"])
def test_clickhouse_go_reads_in_every_compression(request: pytest.FixtureRequest, sql: str, version: str) -> None:
    command = programs.go(cached(request, f"reader-go-{version}"), version)
    found: list[dict[str, Any]] = [json.loads(line) for line in installing.run([*command, sql]).splitlines()]
    assert [each["Way"] for each in found] == ["default", "none", "lz4", "zstd", "gzip", "database/sql"]
    assert found.pop()["Rows"] == 1
    for each in found:
        assert each.pop("Start").startswith("20")
        assert each.pop("Way")
        assert each == {
            "Version": True,
            "Sessions": [programs.SESSION],
            "Tokens": 42,
            "Users": ["ada"],
            "Map": {"a": "b"},
            "Rows": 200_000,
            "Sum": 199_999 * 100_000,
            "Zone": "Europe/Berlin",
            "Refused": "164",
            "Unknown": "47",
        }


def test_clickhouse_go_inserts_where_that_is_allowed(request: pytest.FixtureRequest, directory: Directory) -> None:
    command = programs.go(cached(request, "reader-go-latest"), "latest")
    running = directory.start(config(directory.data(), read_only=False))
    lines = installing.run([*command, running.endpoints["clickhouse_http"], "otel.of_go"]).splitlines()
    assert lines == [f"{1000 * times} {499_500 * times}" for times in (1, 2, 3, 4)]
    assert running.stop() == 0


@pytest.mark.parametrize(("artifact", "version"), [("clickhouse-jdbc", "0.9.4"), ("jdbc-v2", "0.10.0")])
def test_jdbc_reads_with_and_without_its_compression(
    request: pytest.FixtureRequest, sql: str, artifact: str, version: str
) -> None:
    command = programs.java(cached(request, f"reader-{artifact}-{version}"), artifact, version)
    lines = installing.run([*command, f"jdbc:clickhouse://{sql}/otel"]).splitlines()
    answer = f"true {programs.SESSION} 42 [ada] true true {99_999 * 50_000} true"
    assert lines == [f"{compress} {answer}" for compress in ("default", "0", "1")]


def test_the_javascript_client_reads(request: pytest.FixtureRequest, sql: str) -> None:
    directory = cached(request, "reader-javascript")
    files = [programs.HERE / "javascript" / name for name in ("package.json", "read.mjs")]
    command = [*installing.javascript(directory, *files), str(directory / "read.mjs"), f"http://{sql}"]
    found = [json.loads(line) for line in installing.run(command).splitlines()]
    assert [each.pop("way") for each in found] == ["default", "compressed", "database", "settings"]
    for each in found:
        assert each == {
            "ping": True,
            "data": [{"SessionId": programs.SESSION, "TotalTokens": 42, "UserIds": ["ada"]}],
            "rows": 100_000,
            "refused": "164",
            "unknown": "UNKNOWN_IDENTIFIER",
        }

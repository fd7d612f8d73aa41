"""Where ClickHouse is, as a configuration writes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import client as clients
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.errors import Permanent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://ch", Endpoint("http", host="ch", port=8123)),
        ("https://ch", Endpoint("https", host="ch", port=8443)),
        ("http://ch:81/", Endpoint("http", host="ch", port=81)),
        ("http://ch/traces", Endpoint("http", "traces", host="ch", port=8123)),
        ("http://u:p@ch/traces", Endpoint("http", "traces", host="ch", port=8123, user="u", password="p")),
        ("http://u%40x:p%3A%2F%40@ch", Endpoint("http", host="ch", port=8123, user="u@x", password="p:/@")),
        ("http://[::1]:81/my%20db", Endpoint("http", "my db", host="::1", port=81)),
    ],
)
def test_a_server_is_a_url(text: str, expected: Endpoint) -> None:
    assert Endpoint.parse(text) == expected
    assert not expected.embedded


@pytest.mark.parametrize("text", ["chdb://./data", "chdb://data", "chdb://with%20space", "chdb:///absolute"])
def test_embedded_data_are_a_directory(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"chdb://with%20space": "with space", "chdb:///absolute": "/absolute"}
    found = Endpoint.parse(text)
    assert found.path == tmp_path / names.get(text, "data")
    assert found.embedded
    assert found.database == "otel"
    assert str(found) == f"chdb://{found.path}"


@pytest.mark.parametrize(
    "text", ["", "chdb://", "ch", "ch:8123", "ftp://ch", "http://", "http:///db", "http://ch:port", "http://ch:99999"]
)
def test_what_is_no_endpoint_is_said_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Endpoint.parse(text)


def test_a_password_is_never_shown() -> None:
    endpoint = Endpoint.parse("https://user:s3cret@ch:9000/db")
    for shown in (str(endpoint), repr(endpoint), f"{endpoint}", f"{[endpoint]}"):
        assert "s3cret" not in shown
        assert "ch:9000/db" in shown


def test_without_chdb_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clients, "find_spec", lambda _: None)
    with pytest.raises(Permanent, match="pip install chdb-core"):
        connect(Endpoint.parse(f"chdb://{tmp_path / 'data'}"))
    assert not (tmp_path / "data").exists()


def test_times_of_the_embedded_engine_are_in_utc(otel_client: Client) -> None:
    query = "SELECT timezone(), toUnixTimestamp(toDateTime('2026-01-01 00:00:00'))"
    assert otel_client.query(query).result_rows == [("UTC", 1767225600)]


def test_the_caches_of_the_embedded_engine_are_bounded(otel_client: Client) -> None:
    sql = "SELECT name, toUInt64(value) FROM system.server_settings WHERE name LIKE '%cache_size' AND value > ''"
    sizes = {str(name): int(value) for name, value in otel_client.query(sql).result_rows}
    used = {"mark_cache_size", "primary_index_cache_size", "index_mark_cache_size", "query_condition_cache_size"}
    assert used <= sizes.keys()
    assert sum(sizes[name] for name in used) <= 512 * 2**20


def test_the_embedded_engine_does_not_take_what_others_take_of_the_machine_for_its_own(otel_client: Client) -> None:
    sql = "SELECT name, value FROM system.server_settings WHERE name LIKE 'memory_worker_%' AND changed ORDER BY name"
    settings = [("memory_worker_dynamic_hard_limit", "0"), ("memory_worker_use_cgroup", "0")]
    assert otel_client.query(sql).result_rows == settings


def test_what_an_insert_leaves_that_is_killed_lies_beside_the_data_until_the_next_start(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "tmp"
    elsewhere.mkdir()
    code = f"""
import os, signal
from otel_sessions.clickhouse.client import Endpoint, connect

def rows():
    yield b'{{"n": 1}}'
    os.kill(os.getpid(), signal.SIGKILL)

client = connect(Endpoint.parse("chdb://{data}"))
client.command("CREATE TABLE default.t (n UInt8) ENGINE = Memory")
client.raw_insert("default.t", insert_block=rows(), fmt="JSONEachRow")
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "TMPDIR": str(elsewhere)})
    assert done.returncode == -signal.SIGKILL
    assert list(elsewhere.iterdir()) == []
    assert len(list(data.glob("*/*.raw"))) == 1
    clients.clear_inserts(data)
    assert list(data.glob("*/*.raw")) == []

"""Who knows the secret of the lock file writes; nobody else does."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.extensions.clickhouse_http import ClickHouseHttp, Config, factory
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort


@pytest.fixture(scope="module")
def host(chdb_path: Path, otel_client: Client) -> Host:
    return Host(Metrics(), Endpoint("chdb", path=chdb_path))


@pytest.fixture(scope="module")
def server(host: Host) -> Iterator[HostPort]:
    config = Config.model_validate({"endpoint": "127.0.0.1:0", "max_result_rows": 1000})
    extension = factory.create(ComponentId("clickhouse_http"), config, host)
    assert isinstance(extension, ClickHouseHttp)
    extension.start()
    yield HostPort.parse(extension.endpoints["clickhouse_http"])
    extension.shutdown(5)


def status(server: HostPort, sql: str, headers: Mapping[str, str], method: str = "POST") -> int:
    connection = HTTPConnection(server.host, server.port, timeout=60)
    try:
        connection.request(method, "/", sql.encode(), dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def key(user: str, password: str) -> dict[str, str]:
    return {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}


@pytest.mark.parametrize("credentials", [basic, key])
def test_the_owner_writes_and_has_no_bounds(server: HostPort, host: Host, credentials: object) -> None:
    assert callable(credentials)
    headers = credentials("owner", host.owner_secret)
    assert status(server, "CREATE TABLE otel.of_the_owner (a UInt8) ENGINE = Memory", headers) == 200
    assert status(server, "DROP TABLE otel.of_the_owner", headers) == 200
    assert status(server, "SELECT number FROM numbers(2000)", headers) == 200


def test_nobody_else_does(server: HostPort, host: Host) -> None:
    secret = host.owner_secret
    others = [
        {},
        basic("owner", ""),
        basic("owner", secret[:-1]),
        basic("owner", secret + "x"),
        basic("other", secret),
        key("owner", "é"),
        key("", secret),
        {"Authorization": "Basic !"},
        {"Authorization": f"Bearer {secret}"},
    ]
    for headers in others:
        assert status(server, "SELECT 1", headers) == 200
        assert status(server, "CREATE TABLE otel.of_others (a UInt8) ENGINE = Memory", headers) == 403
        assert status(server, "SELECT number FROM numbers(2000)", headers) != 200


def test_a_secret_in_the_address_does_not_count(server: HostPort, host: Host) -> None:
    connection = HTTPConnection(server.host, server.port, timeout=60)
    connection.request("POST", f"/?user=owner&password={host.owner_secret}", b"DROP TABLE IF EXISTS otel.x")
    assert connection.getresponse().status == 403
    connection.close()


def test_clickhouse_connect_is_the_owner(server: HostPort, host: Host) -> None:
    client = clickhouse_connect.get_client(
        host=server.host, port=server.port, username="owner", password=host.owner_secret, database="otel"
    )
    client.command("CREATE TABLE of_the_client (a UInt8) ENGINE = Memory")
    client.command("INSERT INTO of_the_client SELECT {a:UInt8}", {"a": 7}, settings={"async_insert": 0})
    assert client.query("SELECT a FROM of_the_client").result_rows == [(7,)]
    client.command("DROP TABLE of_the_client")
    client.close()


def test_the_secret_is_long_and_not_shown(host: Host) -> None:
    assert len(host.owner_secret) >= 32
    assert host.owner_secret not in repr(host)
    assert Host(Metrics()).owner_secret != host.owner_secret

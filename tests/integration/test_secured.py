"""A ClickHouse that ends TLS and knows its users: exporter, attributor and command line get in as configured."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from otel_sessions.testing.otlp import request, span
from tests.integration.faulty import Proxy
from tests.integration.running import ANSWER_S, Directory, Running, command, config, wait_until

USER, PASSWORD = "writer", "hunter2-and-more"


class Secured:
    """`proxy` wants a certificate of `authority` and a password; `files` has what a client of it needs."""

    def __init__(self, clickhouse: Running, path: Path) -> None:
        self.authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        self.proxy = Proxy(clickhouse.endpoints["clickhouse_http"], tls=context, credentials=(USER, PASSWORD))
        ours = self.authority.issue_cert("client@example.com")
        self.files = {
            "ca_file": _written(path / "ca.pem", self.authority.cert_pem),
            "cert_file": _written(path / "cert.pem", *ours.cert_chain_pems),
            "key_file": _written(path / "key.pem", ours.private_key_pem),
        }

    def config(self, database: str, **changes: Any) -> str:
        settings = {"username": USER, "password": PASSWORD, "tls": self.files, **changes}
        return config(f"https://{self.proxy.address}/{database}", sql=None, **settings)


def _written(path: Path, *blobs: trustme.Blob) -> str:
    path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return str(path)


@pytest.fixture(scope="module")
def secured(remote_clickhouse: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secured = Secured(remote_clickhouse, tmp_path_factory.mktemp("tls"))
    yield secured
    secured.proxy.close()


def problem(running: Running) -> str:
    return running.get("health_check", "/")[1].decode()


def test_spans_late_claims_and_commands_get_through(
    secured: Secured, directory: Directory, remote_clickhouse: Running
) -> None:
    settings = secured.config("secured")
    running = directory.start(settings)
    root = span("root", attributes={"session.id": "secret talks"})
    running.send(request(span(parent=root)))
    running.send(request(root))
    query = "SELECT SessionId, SpanCount FROM secured.sessions"
    wait_until(lambda: remote_clickhouse.sql(query), ANSWER_S, lambda rows: rows == [["secret talks", 2]])
    assert running.health() == 200
    assert running.stop() == 0
    assert PASSWORD not in running.log.read_text()
    listed = command("sessions", "list", "--config", str(directory.write(settings)), cwd=directory.path)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "secret talks" in listed.stdout


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "hunter2-but-wrong"}, "AUTHENTICATION_FAILED"),
        ({"tls": {"ca_file": None}}, "certificate verify failed"),
        (
            {"tls": {"cert_file": None, "key_file": None}},
            "connecting to https://",
        ),  # as TLS has it, before or after the alert
    ],
)
def test_health_says_why_it_is_not_let_in(
    secured: Secured, directory: Directory, changes: dict[str, Any], reason: str
) -> None:
    if "tls" in changes:
        changes = {"tls": {name: value for name, value in (secured.files | changes["tls"]).items() if value}}
    running = directory.start(secured.config("locked", **changes))
    wait_until(lambda: problem(running), ANSWER_S, lambda text: reason in text)
    assert running.stop() == 0
    assert "hunter2" not in running.log.read_text()


def test_a_certificate_of_anybody_is_taken_where_that_is_wished(secured: Secured, directory: Directory) -> None:
    files = {name: secured.files[name] for name in ("cert_file", "key_file")}
    running = directory.start(secured.config("careless", tls={**files, "insecure_skip_verify": True}))
    assert running.health() == 200
    assert running.stop() == 0


def test_the_configuration_is_checked_before_anything_starts(secured: Secured, directory: Directory) -> None:
    broken = yaml.safe_load(secured.config("x"))
    broken["exporters"]["clickhouse"]["tls"] = {"ca_file": "/no/such/file", "cert_file": secured.files["cert_file"]}
    status, errors = directory.refused(yaml.safe_dump(broken))
    assert status == 2
    assert "exporters.clickhouse.tls.ca_file: cannot be read" in errors
    assert PASSWORD not in errors

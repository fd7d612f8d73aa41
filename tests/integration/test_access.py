"""Projects behind TLS and credentials, in a whole service: nothing crosses, and no secret is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from otel_sessions.testing.otlp import request, span
from tests.integration.running import ANSWER_S, ANY, EXPORT, Directory, config
from tests.receivers.secrets import Pki, basic_of, pki

SHOP, BANK, FILED = "hunter2-shop", "hunter2-bank", "hunter2-filed"


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pki:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return pki(tmp_path / "pki")


def secured(directory: Directory, ours: Pki) -> dict[str, Any]:
    """Bearer tokens over gRPC with mTLS, names and passwords over HTTP with TLS; two projects, and the default."""
    tree: dict[str, Any] = yaml.safe_load(config(directory.data(), metrics=ANY))
    (directory.path / "htpasswd").write_text(f"ann:{FILED}\n")
    tokens = [{"token": SHOP, "project": "shop"}, {"token": BANK, "project": "bank"}]
    users = [{"username": f"pk-{name}", "password": f"hunter2-{name}", "project": name} for name in ("shop", "bank")]
    tree["extensions"] |= {
        "bearertokenauth": {"credentials": tokens},
        "basicauth/langfuse": {"credentials": users, "htpasswd": {"file": str(directory.path / "htpasswd")}},
    }
    tree["service"]["extensions"] += ["bearertokenauth", "basicauth/langfuse"]
    tree["service"]["telemetry"]["logs"] = {"level": "debug"}
    protocols = tree["receivers"]["otlp"]["protocols"]
    mutual = ours.server | {"client_ca_file": ours.ca_file}
    protocols["grpc"] |= {"tls": mutual, "auth": {"authenticator": "bearertokenauth"}}
    protocols["http"] = {"endpoint": ANY, "tls": ours.server, "auth": {"authenticator": "basicauth/langfuse"}}
    return tree


def export(exporter: SpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("turn", attributes={"session.id": "one id"}).end()
    provider.shutdown()


def test_projects_never_cross_and_no_secret_is_told(directory: Directory, ours: Pki) -> None:
    running = directory.start(yaml.safe_dump(secured(directory, ours)))
    over_grpc, over_http = (running.endpoints[f"otlp/{name}"] for name in ("grpc", "http"))
    credentials = grpc.ssl_channel_credentials(*(ours.read(name) for name in ("ca_file", "key_file", "cert_file")))
    export(
        GrpcExporter(
            endpoint=f"https://{over_grpc}",
            credentials=credentials,
            headers={"authorization": f"Bearer {SHOP}"},
            timeout=ANSWER_S,
        )
    )
    for name, password in (("pk-bank", BANK), ("ann", FILED), ("pk-bank", SHOP)):
        headers = {"Authorization": basic_of(name, password)}
        endpoint = f"https://{over_http}/v1/traces"
        export(HttpExporter(endpoint=endpoint, certificate_file=ours.ca_file, headers=headers, timeout=ANSWER_S))
    same = request(span("same", attributes={"session.id": "one id"})).SerializeToString()
    with grpc.secure_channel(over_grpc, credentials) as channel:
        call = channel.unary_unary(EXPORT)
        for token in (SHOP, BANK):
            call(same, timeout=ANSWER_S, metadata=[("authorization", f"Bearer {token}")])
        with pytest.raises(grpc.RpcError) as caught:
            call(same, timeout=ANSWER_S, metadata=[("authorization", "Bearer hunter2-nobody")])
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    rows = running.sql(
        "SELECT Project, SpanCount, TraceCount FROM sessions WHERE SessionId = 'one id' ORDER BY Project"
    )
    assert rows == [["bank", 2, 2], ["default", 1, 1], ["shop", 2, 2]]
    metrics = running.get("metrics", "/metrics")[1].decode()
    assert metrics.count('code="UNAUTHENTICATED"') >= 2
    lock = (directory.path / "data" / "otel-sessions.lock").read_text()
    assert "pid" in lock
    assert running.stop() == 0
    log = running.log.read_text()
    assert log.count("is refused over") == 2
    for told in (metrics, lock, log):
        assert "hunter2" not in told
        for name, password in (("pk-shop", SHOP), ("pk-bank", BANK), ("ann", FILED), ("pk-bank", SHOP)):
            assert basic_of(name, password).removeprefix("Basic ") not in told


def test_nothing_starts_with_files_or_authenticators_that_are_not_there(directory: Directory, ours: Pki) -> None:
    tree = secured(directory, ours)
    protocols = tree["receivers"]["otlp"]["protocols"]
    protocols["grpc"]["tls"]["client_ca_file"] = "/no/such/file"
    protocols["http"]["auth"]["authenticator"] = "basicauth"
    status, errors = directory.refused(yaml.safe_dump(tree))
    assert status == 2
    assert "receivers.otlp.protocols.grpc.tls.client_ca_file: cannot be read: No such file or directory" in errors
    assert "hunter2" not in errors
    assert not (directory.path / "data").exists()

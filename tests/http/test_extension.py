"""An extension made of the parts of `otel_sessions.http`, as their page shows it, in a service that runs."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Iterator, Sequence
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from otel_sessions.component import ComponentId, Factory, Host, Kind
from otel_sessions.config import load
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.errors import InvalidData
from otel_sessions.http.auth import Authenticated, access_to
from otel_sessions.http.body import Bodies, Body
from otel_sessions.http.server import HttpServer, ServerSettings
from otel_sessions.service import Service
from otel_sessions.types import HostPort
from tests.receivers.secrets import Pki, basic_of, pki


class Config(ServerSettings):
    endpoint: HostPort = HostPort("127.0.0.1", 0)


def create(id_: ComponentId, config: Config, host: Host) -> HttpServer:
    path = f"extensions.{id_}"
    bodies = Bodies(config.max_request_body_size, together=4 * config.max_request_body_size)

    async def notes(request: Request) -> Response:
        try:
            said = await bodies.take(request, Body.json)
        except InvalidData as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"project": request.state.project, "said": said})

    def refuse(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 401)

    app = Authenticated(Router([Route("/notes", notes, methods=["POST"])]), access_to(host, config.auth, path), refuse)
    return HttpServer(app, config.endpoint, host, name=id_.type, path=f"{path}.endpoint", tls=config.tls)


class WithNotes(EntryPoints):
    def types(self, kind: Kind) -> Sequence[str]:
        return [*super().types(kind), "notes"] if kind == "extensions" else super().types(kind)

    def factory(self, kind: Kind, type_: str, path: str) -> Factory[Any]:
        if (kind, type_) == ("extensions", "notes"):
            return Factory("notes", Config, create)
        return super().factory(kind, type_, path)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki(tmp_path_factory.mktemp("ours"))


@pytest.fixture
def address(ours: Pki, tmp_path: Path) -> Iterator[str]:
    tree = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {"debug": {}},
        "extensions": {
            "notes": {"tls": ours.server, "auth": {"authenticator": "basicauth"}},
            "basicauth": {"credentials": [{"username": "ada", "password": "secret", "project": "shop"}]},
        },
        "service": {
            "extensions": ["notes", "basicauth"],  # who is asked stands behind who asks
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps(tree))
    registry = WithNotes()
    service = Service(load([file], registry=registry), registry)
    service.start()
    yield service.endpoints["notes"]
    service.shutdown()


def post(address: str, ours: Pki, body: bytes, **headers: str) -> tuple[int, Any]:
    connection = HTTPSConnection(address, context=ssl.create_default_context(cafile=ours.ca_file), timeout=30)
    try:
        connection.request("POST", "/notes", body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_extension_has_TLS_credentials_and_bounded_bodies_of_the_same_parts(address: str, ours: Pki) -> None:
    known = {"authorization": basic_of("ada", "secret"), "content_encoding": "gzip"}
    assert post(address, ours, gzip.compress(b'"hello"'), **known) == (200, {"project": "shop", "said": "hello"})
    assert post(address, ours, b"no gzip", **known)[0] == 400
    assert post(address, ours, b'"hello"')[0] == 401

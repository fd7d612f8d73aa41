"""The extension in this process, over the shared chDB, and spans to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import Unauthenticated
from otel_sessions.extensions.web import Config, Web, factory
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.telemetry import Metrics
from otel_sessions.testing import otlp
from otel_sessions.types import HostPort
from tests.integration.delivery import EPOCH, insert, new_project

S = 1_000_000_000
ANY_PORT = HostPort("127.0.0.1", 0)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """Calls of one project, named in the header that the authenticator of these tests believes."""

    address: str
    project: str
    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}, **params: Any) -> Answer:
        """`params` end with an underscore where Python has the word itself."""
        query = urlencode({name.rstrip("_"): value for name, value in params.items()})
        connection = HTTPConnection(self.address, timeout=60)
        sent = {"X-Project": self.project, **self.headers, **headers}
        raw = None
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent = {"Content-Type": "application/json", **sent}
        try:
            connection.request(method, f"/api/v1{path}{'?' if query else ''}{query}", raw, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of an answer that succeeds."""
        answer = self.call("GET", path, **params)
        assert answer.status == 200, answer.body
        return answer.json

    def ids(self, **params: Any) -> list[str]:
        """The ids of a list of sessions."""
        return [session["session_id"] for session in self.get("/sessions", **params)["sessions"]]

    def store(self, *spans: otlp.Span, resource: Mapping[str, Any] | None = None) -> None:
        request = otlp.request(otlp.resource_spans(*spans, resource=dict(resource or {})))
        decoded = decode([request.SerializeToString()], [self.project])
        insert(self.client, SessionProcessor(SessionConfig()).process(decoded.batch))


def span(
    session_id: str, trace: int, *, number: int = 1, start: float = 0, seconds: float = 1, **more: Any
) -> otlp.Span:
    """A span of a trace, `start` seconds after the epoch of the tests; the first of a trace is its root."""
    begin = EPOCH + int(start * S)
    attributes = {"session.id": session_id, **more.pop("attributes", {})}
    return otlp.span(
        more.pop("name", f"span {number}"),
        trace_id=f"{trace:032x}",
        span_id=f"{trace * 1000 + number:016x}",
        parent="" if number == 1 else f"{trace * 1000 + 1:016x}",
        start=begin,
        end=begin + int(seconds * S),
        attributes=attributes,
        **more,
    )


def store_each(client: Client, requests: Mapping[str, Sequence[otlp.Span]]) -> None:
    """As a service stores a micro-batch of a request a project: an insert costs more than its rows."""
    bodies = [otlp.request(*spans).SerializeToString() for spans in requests.values()]
    insert(client, SessionProcessor(SessionConfig()).process(decode(bodies, [*requests]).batch))


def segment(text: str) -> str:
    return quote(text, safe="")


class ByHeader:
    """An authenticator that believes what the client says."""

    def authenticate(self, headers: Mapping[str, str]) -> str:
        if "x-project" not in headers:
            raise Unauthenticated("say who you are", challenge='Bearer realm="tests"')
        return headers["x-project"]


@pytest.fixture(scope="session")
def web_host(otel_client: Client, clickhouse_endpoint: Endpoint) -> Host:
    return Host(Metrics(), clickhouse_endpoint, authenticators={ComponentId("tests"): ByHeader()})


def started(host: Host, **settings: Any) -> Web:
    web: Web = factory.create(
        ComponentId("web"), Config(endpoint=ANY_PORT, auth={"authenticator": "tests"}, **settings), host
    )
    web.start()
    return web


@pytest.fixture(scope="session")
def web(web_host: Host) -> Iterator[Web]:
    running = started(web_host)
    yield running
    running.shutdown(5)


@pytest.fixture
def api(web: Web, otel_client: Client) -> Api:
    """For a project of its own."""
    return Api(web.endpoints["web"], new_project(), otel_client)

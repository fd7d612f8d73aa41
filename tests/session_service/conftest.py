"""A receiver with the service on its gRPC port, over the shared chDB, and a client of one project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import pytest
from clickhouse_connect.driver.client import Client
from google.protobuf import json_format
from google.protobuf.message import Message

from otel_sessions import session_service
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.receivers.otlp import factory
from otel_sessions.session_service.messages import SERVICE, message_type
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from tests.extensions.web.conftest import Api, ByHeader
from tests.integration.delivery import new_project

RESPONSES = {"GetSession": "Session"}


@dataclass
class Sessions:
    """Calls of one project."""

    channel: grpc.Channel
    project: str

    def call(self, method: str, timeout: float = 30, **request: Any) -> Any:
        made = message_type(f"{method}Request")(**request)
        return self.send(method, made.SerializeToString(), timeout=timeout)

    def send(self, method: str, body: bytes, timeout: float = 30) -> Any:
        response = message_type(RESPONSES.get(method, f"{method}Response"))
        call = self.channel.unary_unary(f"/{SERVICE}/{method}", response_deserializer=response.FromString)
        return call(body, timeout=timeout, metadata=[("x-project", self.project)])

    def watch(self, timeout: float = 30, **request: Any) -> Any:
        made = message_type("WatchSessionRequest")(**request)
        response = message_type("WatchSessionResponse")
        call = self.channel.unary_stream(f"/{SERVICE}/WatchSession", response_deserializer=response.FromString)
        return call(made.SerializeToString(), timeout=timeout, metadata=[("x-project", self.project)])

    def refused(self, method: str, **request: Any) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as caught:
            self.call(method, **request)
        return caught.value


def members(message: Message) -> dict[str, Any]:
    """As JSON with the names of the definitions."""
    found: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return found


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[str]:
    """The address of a receiver that reads from this ClickHouse."""
    host = Host(
        Metrics(),
        endpoint,
        grpc_mounts=[partial(session_service.mount, endpoint)],
        authenticators={ComponentId("tests"): ByHeader()},
    )
    settings = {"protocols": {"grpc": {"endpoint": "127.0.0.1:0", "auth": {"authenticator": "tests"}}}}
    config = factory.config.model_validate(settings)
    receiver = factory.create(ComponentId("otlp"), config, host, RecordingConsumer())
    receiver.start()
    yield receiver.endpoints["otlp/grpc"]
    receiver.shutdown(5)


@pytest.fixture(scope="session")
def grpc_endpoint(otel_client: Client, clickhouse_endpoint: Endpoint) -> Iterator[str]:
    with serving(clickhouse_endpoint) as address:
        yield address


@pytest.fixture
def service(grpc_endpoint: str) -> Iterator[Sessions]:
    with grpc.insecure_channel(grpc_endpoint, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield Sessions(channel, new_project())


@pytest.fixture
def stored(service: Sessions, otel_client: Client) -> Api:
    """Puts spans into the project of the client."""
    return Api("", service.project, otel_client)

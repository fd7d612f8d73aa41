"""A receiver on a free port, before a consumer that records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from typing import Any, Literal

import grpc
import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_sessions import langfuse
from otel_sessions.component import Authenticator, ComponentId, Consumer, Host
from otel_sessions.receivers.otlp import factory
from otel_sessions.receivers.otlp.receiver import OtlpReceiver
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from otel_sessions.testing.otlp import request, span

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BODY = request(span("a"), span("b")).SerializeToString()
UNKNOWN = b"\xfa\x07\x03abc"
"""A field that no message of OTLP has, as a newer client may send one."""
MIB = 1 << 20
PROTOBUF, JSON = "application/x-protobuf", "application/json"
Transport = Literal["grpc", "http"]


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP; header names in lower case."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> Status:
        """The body of a refusal, which every one has, in the encoding that the answer names."""
        if self.headers["content-type"] == PROTOBUF:
            return Status.FromString(self.body)
        assert self.headers["content-type"] == JSON
        return json_format.Parse(self.body, Status())


@dataclass
class Running:
    """A started receiver of one protocol, and ways to it."""

    receiver: OtlpReceiver
    consumer: Consumer
    metrics: Metrics
    transport: Transport
    channels: list[grpc.Channel] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return self.receiver.endpoints[f"otlp/{self.transport}"]

    def channel(self, **options: int) -> grpc.Channel:
        named = {"grpc.max_send_message_length": -1, "grpc.use_local_subchannel_pool": 1}
        named |= {name.replace("__", "."): value for name, value in options.items()}
        self.channels.append(grpc.insecure_channel(self.endpoint, options=list(named.items())))
        return self.channels[-1]

    def call(self, body: bytes, method: str = EXPORT, **call: Any) -> bytes:
        if not self.channels:
            self.channel()
        answer: bytes = self.channels[0].unary_unary(method)(body, **{"timeout": 60, **call})
        return answer

    def post(
        self,
        body: Any = BODY,
        type_: str | None = PROTOBUF,
        path: str = "/v1/traces",
        method: str = "POST",
        **headers: str,
    ) -> Answer:
        """Sends `body` (a list is sent in chunks); `content_encoding="gzip"` is the header `Content-Encoding`."""
        connection = HTTPConnection(self.endpoint, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if type_ is not None:
            named["Content-Type"] = type_
        try:
            connection.request(method, path, body, named, encode_chunked=isinstance(body, list))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def sample(self, name: str, **labels: str) -> float:
        wanted = {"receiver": "otlp", "transport": self.transport, **labels}
        return self.metrics.registry.get_sample_value(name, wanted) or 0.0


Start = Callable[..., Running]


@pytest.fixture
def running() -> Iterator[list[Running]]:
    """What was started; it is stopped at the end of the test."""
    running: list[Running] = []
    yield running
    for each in running:
        for channel in each.channels:
            channel.close()
        each.receiver.shutdown(5.0)


@pytest.fixture
def start(running: list[Running]) -> Start:
    """Starts a receiver with these `grpc` settings."""
    return _starter(running, "grpc")


@pytest.fixture
def start_http(running: list[Running]) -> Start:
    """Starts a receiver with these `http` settings."""
    return _starter(running, "http")


def _starter(running: list[Running], transport: Transport) -> Start:
    def start(
        consumer: Consumer | None = None, authenticators: Mapping[str, Authenticator] | None = None, **settings: Any
    ) -> Running:
        metrics = Metrics()
        known = {ComponentId.parse(name): each for name, each in (authenticators or {}).items()}
        consumer = consumer or RecordingConsumer()
        config = factory.config.model_validate({"protocols": {transport: {"endpoint": "127.0.0.1:0", **settings}}})
        receiver = factory.create(
            ComponentId("otlp"),
            config,
            Host(metrics, mounts=[partial(langfuse.mount, None)], authenticators=known),
            consumer,
        )
        running.append(Running(receiver, consumer, metrics, transport))
        receiver.start()
        return running[-1]

    return start


@pytest.fixture
def consumer() -> RecordingConsumer:
    return RecordingConsumer()


def retry_delay_of(status: Status | None) -> float | None:
    """The seconds of its `RetryInfo`."""
    for detail in status.details if status else ():
        info = RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToNanoseconds() / 1e9
    return None


def reachable(endpoint: str) -> bool:
    import socket

    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=60).close()
    except OSError:
        return False
    return True


def peak_rss_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

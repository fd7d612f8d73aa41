"""How the senders of a benchmark speak to the receiver."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Protocol

import grpc
from google.protobuf.json_format import MessageToDict

from otel_sessions.receivers.otlp.grpc_export import METHOD
from otel_sessions.testing import otlp

Export = Callable[[bytes], bool]
"""Sends a body and says whether it was taken."""
_IDS = ("traceId", "spanId", "parentSpanId")


class Transport(Protocol):
    def body(self, request: bytes) -> bytes:
        """A protobuf request in this encoding."""
        ...

    def id(self, raw: bytes) -> bytes:
        """An id as it stands in a body."""
        ...

    @contextmanager
    def connected(self) -> Iterator[Export]: ...


@dataclass(frozen=True)
class Grpc:
    address: str

    def body(self, request: bytes) -> bytes:
        return request

    def id(self, raw: bytes) -> bytes:
        return raw

    @contextmanager
    def connected(self) -> Iterator[Export]:
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            call = channel.unary_unary(METHOD)

            def export(body: bytes) -> bool:
                try:
                    call(body, timeout=60)
                except grpc.RpcError:
                    return False
                return True

            yield export


@dataclass(frozen=True)
class Http:
    address: str
    content_type: str = "application/x-protobuf"

    def body(self, request: bytes) -> bytes:
        return request

    def id(self, raw: bytes) -> bytes:
        return raw

    @contextmanager
    def connected(self) -> Iterator[Export]:
        connection = HTTPConnection(self.address, timeout=60)

        def export(body: bytes) -> bool:
            connection.request("POST", "/v1/traces", body, {"Content-Type": self.content_type})
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200

        try:
            yield export
        finally:
            connection.close()


@dataclass(frozen=True)
class Json(Http):
    content_type: str = "application/json"

    def body(self, request: bytes) -> bytes:
        message = MessageToDict(otlp.ExportTraceServiceRequest.FromString(request), use_integers_for_enums=True)
        for group in message["resourceSpans"]:
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    _ids_to_hex(span)
        return json.dumps(message).encode()

    def id(self, raw: bytes) -> bytes:
        return raw.hex().encode()


def _ids_to_hex(span: dict[str, Any]) -> None:
    span.update({name: base64.b64decode(span[name]).hex() for name in _IDS if name in span})


def transport(name: str, endpoints: Mapping[str, str]) -> Transport:
    """One of `grpc`, `http` (protobuf) and `json`."""
    if name == "grpc":
        return Grpc(endpoints["otlp/grpc"])
    return {"http": Http, "json": Json}[name](endpoints["otlp/http"])

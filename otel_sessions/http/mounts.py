# SPDX-License-Identifier: Apache-2.0
"""What rides on the listeners of receivers, beside what these answer themselves: APIs over HTTP, services over gRPC.

`Host.mounts` and `Host.grpc_mounts` have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from otel_sessions.component import Consumer
from otel_sessions.http.auth import Access

if TYPE_CHECKING:  # whoever serves gRPC has loaded it; the rest of the service need not
    import grpc


@dataclass(frozen=True)
class Listener:
    """What an API is told of the listener it rides on.

    `consumer` takes its spans, `access` knows its clients, `count_refused` counts a request that is refused whole, and
    no body is over `max_body` bytes.
    """

    consumer: Consumer
    access: Access
    count_refused: Callable[[Exception], object]
    max_body: int


@dataclass(frozen=True)
class Mounted:
    """The API on one listener.

    `app` has every path under `prefix` but those under `otlp_base`, where the receiver answers as it does at the root.
    `close` is called when the listener has stopped.
    """

    prefix: str
    otlp_base: str
    app: ASGIApp
    close: Callable[[], None]

    def has(self, path: str) -> bool:
        """Whether a path is one that `app` answers."""
        return path.startswith(self.prefix) and not path.startswith(f"{self.otlp_base}/")


Mount = Callable[[Listener], Mounted]


@dataclass(frozen=True)
class GrpcListener:
    """What a service is told of the listener it rides on.

    `project_of` says whose a call is, or raises `Unauthenticated`. `read` reads the next message of a call, as bytes,
    None if there is none, and ends a call whose message does not come; it raises `grpc.RpcError` for one that is over.
    Methods are therefore served as streams of requests, without a deserializer. `refuse` counts a call that is
    refused for its credentials, tells the log, and returns the `google.rpc.Status` of the error. `tell` tells the log
    of a read that is refused for anything else, where an operator can do something about it: the status, the method,
    and whose it is.
    """

    project_of: Callable[[grpc.ServicerContext], str]
    read: Callable[[Iterator[Any], grpc.ServicerContext], Any]
    refuse: Callable[[Exception, grpc.ServicerContext], Any]
    tell: Callable[[Any, grpc.ServicerContext, str, str], None]


@dataclass(frozen=True)
class GrpcMounted:
    """The service on one listener. `stop` ends its calls that would not end by themselves; `close` comes at the end."""

    name: str
    handler: grpc.GenericRpcHandler[Any, Any]
    stop: Callable[[], None]
    close: Callable[[], None]


GrpcMount = Callable[[GrpcListener], GrpcMounted | None]
"""The service on a listener; None where it cannot be served, which the log says."""


@dataclass(frozen=True)
class PooledBehavior:
    """A behaviour that grpcio runs in its own pool, so that calls in line here keep no health check waiting.

    The attribute is grpcio's own ground: its version is pinned, and tests/http/test_private_ground.py says what we use.
    """

    behavior: Callable[[Any, grpc.ServicerContext], Any]
    experimental_thread_pool: ThreadPoolExecutor

    def __call__(self, requests: Any, context: grpc.ServicerContext) -> Any:
        return self.behavior(requests, context)

# SPDX-License-Identifier: Apache-2.0
"""Serves an ASGI application on `host:port` from a thread of its own; every HTTP endpoint of the service is one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Annotated, Any, Final

import uvicorn
from pydantic import Field

from otel_sessions.component import AuthSettings, Host, Settings, Worker
from otel_sessions.errors import ConfigError, Fault
from otel_sessions.http.protocol import BoundedProtocol
from otel_sessions.http.refusals import Telling
from otel_sessions.http.tls import ServerTls
from otel_sessions.types import ByteSize, HostPort

_BACKLOG = 2048
_LAST_MOMENT_S = 0.3
KEEP_ALIVE_S: Final = 75
"""For how long a connection may be idle: over the 5 s after which an SDK sends again, so that it meets none that is
being closed."""


class ServerSettings(Settings):
    """What a listener can be told, by the names of the Collector's confighttp."""

    endpoint: HostPort
    max_request_body_size: Annotated[ByteSize, Field(ge=1, le=1 << 30)] = 20 << 20
    tls: ServerTls | None = None
    auth: AuthSettings | None = None


class _Server(uvicorn.Server):
    """Leaves the signals of the process to the service."""

    def install_signal_handlers(self) -> None:
        """Does nothing; uvicorn before 0.29 has this hook."""

    def capture_signals(self) -> Any:
        return nullcontext()


class HttpServer:
    """One listening socket and the thread that serves it: a component, and all that an extension needs to be one.

    `name` is what the service calls the endpoint, as in `metrics`; `path` is where its `host:port` stands in the
    configuration. `start` returns when the socket takes connections, or raises `ConfigError` at `path`; `shutdown`
    ends within its timeout: requests under way get that long to finish. With `tls` nothing else is spoken there.
    Restarting is not possible.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        endpoint: HostPort,
        host: Host,
        *,
        name: str,
        path: str,
        tls: ServerTls | None = None,
        keep_alive_s: int = KEEP_ALIVE_S,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._address = endpoint
        self._name = name
        self._path = path
        self._tls = tls
        self._on_stop = on_stop
        self._socket: socket.socket | None = None
        self._host = host
        self._worker: Worker | None = None
        self._server = _Server(
            uvicorn.Config(
                Telling(app, host.metrics.refusals, name),
                http=BoundedProtocol,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # who sends is who connects: headers would put any text into the log
                ws="none",
                timeout_keep_alive=keep_alive_s,
            )
        )

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The name and the `host:port` taken."""
        return {self._name: str(self._address)}

    def start(self) -> None:
        tls = self._tls.context() if self._tls else None
        family = socket.AF_INET6 if ":" in self._endpoint.host else socket.AF_INET
        # asyncio turns Nagle's delay off only where the protocol is named.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._endpoint.host, self._endpoint.port))
            listener.listen(_BACKLOG)
        except OSError as exc:
            listener.close()
            reason = f"cannot listen on {self._endpoint}: {exc.strerror or exc}"
            raise ConfigError([Fault(self._path, reason)]) from exc
        self._socket = listener
        self._server.config.load()
        self._server.config.ssl = tls  # uvicorn would make one of its own, with fewer settings
        self._address = HostPort(*self._socket.getsockname()[:2])
        self._worker = Worker(self._name, "http", self._serve, self._host)
        self._worker.start()

    def shutdown(self, timeout: float) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        # uvicorn says int and takes any number; what it cancels then has a moment to say so.
        self._server.config.timeout_graceful_shutdown = max(0.1, timeout - _LAST_MOMENT_S)  # type: ignore[assignment]
        self._server.should_exit = True
        if not worker.join(timeout):
            self._server.force_exit = True
            worker.join(1.0)
        if self._socket is not None:
            self._socket.close()
        if self._on_stop is not None:
            self._on_stop()

    def _serve(self) -> None:
        assert self._socket is not None
        self._server.run(sockets=[self._socket])

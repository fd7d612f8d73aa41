# SPDX-License-Identifier: Apache-2.0
"""The extension `web`: one listener for REST, the pages and the Model Context Protocol."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from functools import partial
from typing import Final

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import Store
from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.extensions.web.access import Logins, WebAccess
from otel_sessions.extensions.web.app import application
from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.deleter import Deleter
from otel_sessions.http.auth import authenticator_of
from otel_sessions.http.server import HttpServer
from otel_sessions.queries.limits import Limits, limited

MAX_WAITING: Final = 256
"""Requests that may wait for ClickHouse; those beyond are told at once to come back."""
MAX_STREAMS: Final = 32
"""Exports at a time: each has a client of its own, for as long as whoever reads it takes."""


class Web:
    """Serves REST and pages from `start` until `shutdown`; what answers piece by piece ends first."""

    def __init__(self, id_: ComponentId, config: Config, host: Host, access: WebAccess) -> None:
        self._stopping = threading.Event()
        self._deleter = Deleter(host)
        store = store_of(config, host.clickhouse)
        app = application(config, store, self._deleter, access, host, is_stopping=self._stopping.is_set)
        self._server = HttpServer(
            app,
            config.endpoint,
            host,
            name="web",
            path=f"extensions.{id_}.endpoint",
            tls=config.tls,
            on_stop=store.close,
        )

    @property
    def endpoints(self) -> Mapping[str, str]:
        return self._server.endpoints

    def start(self) -> None:
        self._server.start()
        self._deleter.start()

    def shutdown(self, timeout: float) -> None:
        self._stopping.set()
        self._server.shutdown(timeout)
        self._deleter.shutdown(timeout)


def store_of(config: Config, endpoint: Endpoint | None) -> Store:
    """What the web reads from, every query within the limits of its configuration; `LimitExceeded` beyond them."""
    limits = Limits(config.max_execution_time, config.max_memory_usage, config.max_rows_to_read)
    return Store(
        partial(limits.connect, endpoint) if endpoint is not None else None,
        "web",
        threads=config.max_concurrent_queries,
        max_waiting=MAX_WAITING,
        max_streams=MAX_STREAMS,
        around=limited,
    )


def create(component_id: ComponentId, config: Config, host: Host) -> Web:
    """Raises `ConfigError` for an authenticator that does not run."""
    path = f"extensions.{component_id}"
    key = config.login.key.get_secret_value().encode() if config.login.key else secrets.token_bytes(32)
    logins = Logins(key, config.login.lifetime)
    return Web(component_id, config, host, WebAccess(authenticator_of(host, config.auth, path), logins))


factory = Factory("web", Config, create, "Pages and the REST interface over the sessions.")

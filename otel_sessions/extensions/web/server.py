# SPDX-License-Identifier: Apache-2.0
"""The extension."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.extensions.web.access import Logins, WebAccess
from otel_sessions.extensions.web.app import application
from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.store import Store
from otel_sessions.http.auth import authenticator_of
from otel_sessions.http.server import HttpServer


class Web:
    """Serves REST and pages from `start` until `shutdown`; what answers piece by piece ends first."""

    def __init__(self, id_: ComponentId, config: Config, host: Host, access: WebAccess) -> None:
        self._stopping = threading.Event()
        self._store = Store(config, host)
        app = application(config, self._store, access, self._stopping.is_set, host)
        self._server = HttpServer(
            app,
            config.endpoint,
            host,
            name="web",
            path=f"extensions.{id_}.endpoint",
            tls=config.tls,
            keep_alive_s=75,
            on_stop=self._store.close,
        )

    @property
    def endpoints(self) -> Mapping[str, str]:
        return self._server.endpoints

    def start(self) -> None:
        self._server.start()
        self._store.deleter.start()

    def shutdown(self, timeout: float) -> None:
        self._stopping.set()
        self._server.shutdown(timeout)
        self._store.deleter.shutdown(timeout)


def create(component_id: ComponentId, config: Config, host: Host) -> Web:
    """Raises `ConfigError` for an authenticator that does not run."""
    path = f"extensions.{component_id}"
    key = config.login.key.get_secret_value().encode() if config.login.key else secrets.token_bytes(32)
    logins = Logins(key, config.login.lifetime)
    return Web(component_id, config, host, WebAccess(authenticator_of(host, config.auth, path), logins))


factory = Factory("web", Config, create, "Pages and the REST interface over the sessions.")

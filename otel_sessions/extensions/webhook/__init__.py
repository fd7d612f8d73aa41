# SPDX-License-Identifier: Apache-2.0
"""`webhook`: tells an HTTP endpoint of every session that has fallen silent, and of alerts: at least once, signed.

`extensions.idle_hook` says what is promised: what is told has the same id and the same body at every attempt.
"""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, endpoint_needed
from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.extensions.idle_hook import SETTLED_S, Hook
from otel_sessions.extensions.webhook.alerts import Alerts
from otel_sessions.extensions.webhook.config import Config
from otel_sessions.extensions.webhook.sender import Sender
from otel_sessions.queries import shapes
from otel_sessions.queries.rows import Row
from otel_sessions.sessions.hooks import Candidate, Notice


class Webhook(Hook):
    """One thread, from `start` to `shutdown`, which waits for the attempt that is under way."""

    def __init__(
        self, id_: ComponentId, config: Config, endpoint: Endpoint, host: Host, *, settled_s: float = SETTLED_S
    ) -> None:
        self._config = config
        self._sender = Sender(config)
        self._alerts = Alerts(str(id_), config.alerts, host.report)
        super().__init__(
            str(id_), config, endpoint, host, fields=config.fields, others=self._alerts.hooks, settled_s=settled_s
        )

    def shutdown(self, timeout: float) -> None:
        super().shutdown(timeout)
        self._sender.close()

    def attempt(self, client: Client, notice: Notice) -> str | None:
        return self._sender.send(notice)

    def decide_more(self, client: Client) -> None:
        self._alerts.decide(client)

    def payload(self, row: Row, notice: Notice, before: Candidate) -> str:
        told = {
            "type": "session.idle",
            "timestamp": datetime.fromtimestamp(notice.decided_at / 1000, UTC).isoformat(timespec="milliseconds"),
            "data": {
                "project": notice.project,
                "revision": notice.revision,
                "idle_after_s": before.idle_after_ns / 1e9,
                **shapes.session(row, self._config.fields),
                "state": "idle",
            },
        }
        return orjson.dumps(told).decode()


def _create(component_id: ComponentId, config: Config, host: Host) -> Webhook:
    """Raises `ConfigError` where the service has no sessions."""
    endpoint = endpoint_needed(host, component_id, "tells of the sessions")
    return Webhook(component_id, config, endpoint, host)


factory = Factory("webhook", Config, _create, "Tells an HTTP endpoint of sessions that have fallen silent.")

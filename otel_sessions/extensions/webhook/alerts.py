# SPDX-License-Identifier: Apache-2.0
"""Alerts: a figure of the sessions of a saved view, over a window of time, that is beyond its bound.

What is told is decided by revisions, as of silent sessions: the odd ones are `alert.firing`, the even ones
`alert.resolved`. They are rows of `_session_hooks` under a hook of the alert's own, of no session.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from clickhouse_connect.driver.client import Client

from otel_sessions.errors import QueryError
from otel_sessions.extensions.webhook.config import Alert
from otel_sessions.queries.additions import list_views
from otel_sessions.queries.metrics import Measured, metrics
from otel_sessions.sessions import hooks
from otel_sessions.sessions.hooks import Notice

_NEVER: Final = "1970-01-01 00:00:00"


class Alerts:
    """The alerts of one webhook, each looked at in its `interval`; `report` takes what is wrong with one, or None.

    A change is told once it has lasted for `for`: a figure that swings about its bound does not ring each time.
    """

    def __init__(
        self,
        webhook: str,
        alerts: Sequence[Alert],
        report: Callable[[str, str | None], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._alerts = {f"{webhook} alert {alert.name}": alert for alert in alerts}
        self._report = report
        self._clock = clock
        self._due = dict.fromkeys(self._alerts, clock())
        self._changed_at: dict[str, float] = {}

    @property
    def hooks(self) -> list[str]:
        """The names under which notices of the alerts are stored."""
        return list(self._alerts)

    def decide(self, client: Client) -> None:
        """Stores what is to be told. What is wrong with one alert keeps no other from being looked at."""
        now = self._clock()
        for hook in [hook for hook, due in self._due.items() if due <= now]:
            self._due[hook] = now + self._alerts[hook].interval
            try:
                hooks.note(client, list(self._notices(client, hook)))
            except QueryError as error:
                self._report(hook, str(error))
            else:
                self._report(hook, None)

    def _notices(self, client: Client, hook: str) -> Iterator[Notice]:
        alert, now_ns = self._alerts[hook], time.time_ns()
        query, value = measured(client, alert, now_ns)
        revision = hooks.last_revision(client, hook, alert.project)
        if alert.is_beyond(value) == (revision % 2 == 1):
            self._changed_at.pop(hook, None)
            return
        now = self._clock()
        if now - self._changed_at.setdefault(hook, now) < alert.lasting:
            return
        self._changed_at.pop(hook)
        now_ms, revision = now_ns // 10**6, revision + 1
        told: dict[str, Any] = {
            "type": "alert.firing" if revision % 2 else "alert.resolved",
            "timestamp": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "data": {
                "alert": alert.name,
                "revision": revision,
                "project": alert.project,
                "view": alert.view,
                "query": query,
                "metric": alert.metric,
                "value": value,
                "above": alert.above,
                "below": alert.below,
                "window_s": alert.window,
            },
        }
        yield Notice(
            hook,
            alert.project,
            session_id="",
            revision=revision,
            last_activity=_NEVER,
            span_count=0,
            rows=0,
            payload=orjson.dumps(told).decode(),
            decided_at=now_ms,
            next_attempt=now_ms,
        )


def measured(client: Client, alert: Alert, now_ns: int) -> tuple[str, float | None]:
    """The query of an alert's view, and its figure over the turns that started within the window; None for a duration
    without turns. Raises `QueryError` where there is no such view."""
    views = {row["Name"]: row["Query"] for row in list_views(client, project=alert.project)}
    if alert.view not in views:
        raise QueryError(f"there is no saved view {alert.view!r} in the project {alert.project!r}")
    query = views[alert.view]
    since = now_ns - int(alert.window * 1e9)
    wanted = Measured(alert.project, query, from_ns=since, to_ns=now_ns, series=(alert.metric,))
    (group,) = metrics(client, wanted, now_ns=now_ns)
    return query, group["total"][alert.metric]

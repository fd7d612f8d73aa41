"""`webhook`: tells an HTTP endpoint of every session that has fallen silent, at least once, signed.

1. Every `check_interval`, sessions that are idle (`idle_after` of the exporter) and have changed since they were last
   told of get the next revision. The decision is stored with what is to be told, before anybody is told.
2. What is stored and due is told: until the receiver answers 2xx, over restarts, with the same id and the same body.
   Alerts are told the same way.
3. What became of it is stored. A process that dies between 2 and 3 tells it again, under the same id.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import orjson
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.rounds import Rounds
from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.errors import ConfigError, Fault
from otel_sessions.extensions.webhook.alerts import Alerts
from otel_sessions.extensions.webhook.config import Config
from otel_sessions.extensions.webhook.sender import Sender
from otel_sessions.queries import keyed, shapes
from otel_sessions.queries.additions import with_additions
from otel_sessions.queries.rows import Row, nanoseconds
from otel_sessions.sessions import hooks
from otel_sessions.sessions.hooks import Candidate, Notice
from otel_sessions.telemetry import Intervals

logger = logging.getLogger("otel_sessions.webhook")
_A_ROUND: Final = 200
"""Sessions that are decided on, and told of, before what became of them is stored."""
_LOOKED_AT: Final = 5000
SETTLED_S: Final = 6.0
"""How long nothing was stored of a session when it is decided on: what a repetition or a late claim changes is put
right within 5 s."""


class Webhook:
    """One thread, from `start` to `shutdown`, which waits for the attempt that is under way."""

    def __init__(
        self, id_: ComponentId, config: Config, endpoint: Endpoint, host: Host, *, settled_s: float = SETTLED_S
    ) -> None:
        self._id = str(id_)
        self._config = config
        self._settled_s = settled_s
        self._seen: dict[tuple[str, str], tuple[int, float]] = {}  # rows of a session, and since when it has those
        self._host = host
        self._sender = Sender(config)
        self._alerts = Alerts(self._id, config.alerts, host.report)
        self._told = host.metrics.hooks_delivered.labels(self._id)
        self._failed = host.metrics.hooks_failed.labels(self._id)
        self._rounds = Rounds(self._id, "telling", endpoint, host, interval_s=config.check_interval, act=self._act)
        self._log_again = Intervals()

    @property
    def endpoints(self) -> Mapping[str, str]:
        return {}

    def start(self) -> None:
        self._rounds.start()

    def shutdown(self, timeout: float) -> None:
        self._rounds.shutdown(timeout)
        self._sender.close()

    def _act(self, client: Client) -> bool:
        more = self._decide(client)
        self._alerts.decide(client)
        return self._tell(client) or more

    def _decide(self, client: Client) -> bool:
        """Stores what is to be told; whether there may be more."""
        config, now_ns = self._config, time.time_ns()
        found = hooks.candidates(
            client, self._id, within_s=config.within, projects=config.projects, now_ns=now_ns, limit=_LOOKED_AT
        )
        settled = self._settled(found)
        by_project: defaultdict[str, dict[str, Candidate]] = defaultdict(dict)
        for each in settled[:_A_ROUND]:
            by_project[each.project][each.session_id] = each
        notices = [
            notice
            for project, those in by_project.items()
            for notice in self._notices(client, project, those, now_ns=now_ns)
        ]
        hooks.note(client, notices)
        return len(settled) > _A_ROUND

    def _settled(self, found: Sequence[Candidate]) -> list[Candidate]:
        now, seen = time.monotonic(), {}
        for each in found:
            rows, since = self._seen.get((each.project, each.session_id), (each.rows, now))
            seen[each.project, each.session_id] = (each.rows, since if rows == each.rows else now)
        self._seen = seen
        return [each for each in found if now - seen[each.project, each.session_id][1] >= self._settled_s]

    def _notices(self, client: Client, project: str, those: Mapping[str, Candidate], *, now_ns: int) -> list[Notice]:
        """Of the sessions that are silent by their exact figures; what has not changed keeps its revision."""
        rows = keyed.session_rows(client, project, list(those))
        silent = [row for row in rows if nanoseconds(row["EndTime"]) <= now_ns - those[row["SessionId"]].idle_after_ns]
        notices = []
        for row in with_additions(client, project, silent, self._config.fields, now_ns=now_ns):
            before = those[row["SessionId"]]
            changed = (row["EndTime"], row["SpanCount"]) != (before.last_activity, before.span_count)
            notices.append(self._notice(row, before, now_ns // 10**6, changed=changed))
        return notices

    def _notice(self, row: Row, before: Candidate, now_ms: int, *, changed: bool) -> Notice:
        notice = Notice(
            self._id,
            before.project,
            before.session_id,
            before.revision,
            row["EndTime"],
            row["SpanCount"],
            before.rows,
            payload="",
            decided_at=now_ms,
            state="delivered",
        )
        if not changed:  # spans that were repeated
            return notice
        revision = before.revision + 1
        told = {
            "type": "session.idle",
            "timestamp": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "data": {
                "project": before.project,
                "revision": revision,
                "idle_after_s": before.idle_after_ns / 1e9,
                **shapes.session(row, self._config.fields),
                "state": "idle",
            },
        }
        body = orjson.dumps(told).decode()
        return replace(notice, revision=revision, payload=body, state="pending", next_attempt=now_ms)

    def _tell(self, client: Client) -> bool:
        """Tells what is due; whether there may be more."""
        notices = hooks.due(client, [self._id, *self._alerts.hooks], now_ms=time.time_ns() // 10**6, limit=_A_ROUND)
        done: list[Notice] = []
        try:
            for notice in notices:
                if self._rounds.stopping.is_set():
                    return False
                problem = self._sender.send(notice)
                done.append(self._after(notice, problem))
                if problem is not None:  # the others are not worse off for waiting a moment
                    return False
        finally:
            hooks.note(client, done)
        return len(notices) == _A_ROUND

    def _after(self, notice: Notice, problem: str | None) -> Notice:
        self._host.report(self._id, problem)
        if problem is None:
            self._told.inc()
            return replace(notice, state="delivered", attempts=notice.attempts + 1)
        self._failed.inc()
        retry, now_ms = self._config.retry_on_failure, time.time_ns() // 10**6
        wait_s = min(retry.max_interval, retry.initial_interval * 2 ** min(notice.attempts, 30))
        again = replace(notice, attempts=notice.attempts + 1, next_attempt=now_ms + int(wait_s * 1000))
        if now_ms - notice.decided_at > retry.max_elapsed_time * 1000:
            logger.error("what is to be told is given up after %d attempts: %s", again.attempts, problem)
            return replace(again, state="given_up")
        if self._log_again.due(problem):
            logger.warning("%s; it is told again in %g s", problem, wait_s)
        return again


def _create(component_id: ComponentId, config: Config, host: Host) -> Webhook:
    """Raises `ConfigError` where the service has no sessions."""
    endpoint: Endpoint | None = host.clickhouse
    if endpoint is None:
        problem = "tells of the sessions of a clickhouse exporter, and there is none"
        raise ConfigError([Fault(f"extensions.{component_id}", problem)])
    return Webhook(component_id, config, endpoint, host)


factory = Factory("webhook", Config, _create, "Tells an HTTP endpoint of sessions that have fallen silent.")

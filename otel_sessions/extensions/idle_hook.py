# SPDX-License-Identifier: Apache-2.0
"""What is done with every session that has fallen idle, at least once for each of its revisions.

1. Every `check_interval`, sessions that are idle (`idle_after` of the exporter) and have changed since the last time
   get the next revision. The decision is stored with what is to be told, before anything is done.
2. What is stored and due is done, until it succeeds, over restarts, from the same notice.
3. What became of it is stored. A process that dies between 2 and 3 does it again: so a webhook may be called twice,
   with one id, and an evaluator too.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from otel_sessions.clickhouse.client import Endpoint, endpoint_in_use
from otel_sessions.clickhouse.rounds import Rounds
from otel_sessions.component import Host, Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.queries import keyed
from otel_sessions.queries.additions import with_additions
from otel_sessions.queries.rows import Row, nanoseconds
from otel_sessions.queries.shapes import Group
from otel_sessions.sessions import hooks
from otel_sessions.sessions.hooks import Candidate, Notice
from otel_sessions.sessions.settling import settle
from otel_sessions.telemetry import Intervals
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, Duration

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

logger = logging.getLogger("otel_sessions.hooks")
_DAY: Final = 86_400.0
_A_ROUND: Final = 200
"""Sessions that are decided on, and told of, before what became of them is stored."""
_LOOKED_AT: Final = 5000
SETTLED_S: Final = 6.0
"""How long nothing was stored of a session when it is decided on: what a repetition or a late claim changes is put
right within 5 s."""


class Retry(Settings):
    """How long to wait between attempts, and how long after the first to give up."""

    initial_interval: Duration = Field(default=5.0, gt=0)
    max_interval: Duration = Field(default=300.0, gt=0)
    max_elapsed_time: Duration = Field(default=_DAY, gt=0)


class HookSettings(Settings):
    """Whose sessions, how often to look, and how to try again; a session that has been idle for more than `within`, in
    seconds, is passed over."""

    projects: tuple[str, ...] = ()
    within: Annotated[Duration, Field(gt=0, le=30 * _DAY)] = _DAY
    check_interval: Annotated[Duration, Field(ge=0.1, le=3600)] = 10.0
    retry_on_failure: Annotated[Retry, EMPTY_MEANS_DEFAULTS] = Retry()

    def find_faults(self, used: Used) -> Iterator[Fault]:
        if endpoint_in_use(used["exporters"]) is None:
            yield Fault("", "is about the sessions of a clickhouse exporter, and none is in use")


class Hook:
    """One thread, from `start` to `shutdown`, which waits for the attempt that is under way.

    An extension is a kind of it: says what is to be told (`payload`), and does it (`attempt`).
    """

    endpoints: Mapping[str, str] = {}

    def __init__(
        self,
        id_: str,
        settings: HookSettings,
        endpoint: Endpoint,
        host: Host,
        *,
        fields: Sequence[Group],
        others: Sequence[str] = (),
        settled_s: float = SETTLED_S,
    ) -> None:
        self._id = id_
        self._settings = settings
        self._fields = fields
        self._others = others
        self._settled_s = settled_s
        self._seen: dict[tuple[str, str], tuple[int, float]] = {}  # rows of a session, and since when it has those
        self._host = host
        self._told = host.metrics.hooks_delivered.labels(id_)
        self._failed = host.metrics.hooks_failed.labels(id_)
        self._rounds = Rounds(
            id_,
            "looking for idle sessions",
            endpoint,
            host,
            interval_s=settings.check_interval,
            act=self._act,
            long_parameters=True,
        )
        self._log_again = Intervals()

    def payload(self, row: Row, notice: Notice, before: Candidate) -> str:
        """What is to be told of a session, by its row of figures; it is stored with the decision."""
        return ""

    def attempt(self, client: Client, notice: Notice) -> str | None:
        """Does it; returns why it failed, or None."""
        raise NotImplementedError

    def decide_more(self, client: Client) -> None:
        """Stores notices of its own, under the names of `others`."""

    def start(self) -> None:
        self._rounds.start()

    def shutdown(self, timeout: float) -> None:
        self._rounds.shutdown(timeout)

    def _act(self, client: Client) -> bool:
        """Stores what is to be told of sessions that nothing came to lately and does what is due; returns whether there
        may be more."""
        of, now_ns = self._settings, time.time_ns()
        found = hooks.candidates(
            client, self._id, within_s=of.within, projects=of.projects, now_ns=now_ns, limit=_LOOKED_AT
        )
        now, seen = time.monotonic(), {}
        for each in found:
            rows, since = self._seen.get((each.project, each.session_id), (each.rows, now))
            seen[each.project, each.session_id] = (each.rows, since if rows == each.rows else now)
        self._seen = seen
        settled = [each for each in found if now - seen[each.project, each.session_id][1] >= self._settled_s]
        settle(client, [(each.project, each.session_id) for each in settled[:_A_ROUND]])
        by_project: defaultdict[str, dict[str, Candidate]] = defaultdict(dict)
        for each in settled[:_A_ROUND]:
            by_project[each.project][each.session_id] = each
        notices: list[Notice] = []
        for project, those in by_project.items():
            exact = keyed.session_rows(client, project, list(those))
            ended = {row["SessionId"]: nanoseconds(row["EndTime"]) for row in exact}
            idle = [row for row in exact if ended[row["SessionId"]] <= now_ns - those[row["SessionId"]].idle_after_ns]
            told = with_additions(client, project, idle, self._fields, now_ns=now_ns)
            notices += [self._notice(row, those[row["SessionId"]], now_ns // 10**6) for row in told]
        hooks.note(client, notices)
        self.decide_more(client)
        return self._tell(client) or len(settled) > _A_ROUND

    def _notice(self, row: Row, before: Candidate, now_ms: int) -> Notice:
        """What is noted of a session that is idle by this row of figures: the next revision, or the old one as
        delivered where nothing but repeated spans came.
        """
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
        if (row["EndTime"], row["SpanCount"]) == (before.last_activity, before.span_count):
            return notice
        notice = replace(notice, revision=before.revision + 1, state="pending", next_attempt=now_ms)
        return replace(notice, payload=self.payload(row, notice, before))

    def _tell(self, client: Client) -> bool:
        """Does what is due; returns whether there may be more."""
        notices = hooks.due(client, [self._id, *self._others], now_ms=time.time_ns() // 10**6, limit=_A_ROUND)
        done: list[Notice] = []
        try:
            for notice in notices:
                if self._rounds.stopping.is_set():
                    return False
                problem = self.attempt(client, notice)
                done.append(self._after(notice, problem))
                if problem is not None:  # the others are not worse off for waiting a moment
                    return False
        finally:
            hooks.note(client, done)
        return len(notices) == _A_ROUND

    def _after(self, notice: Notice, problem: str | None) -> Notice:
        """The notice after an attempt, which failed for `problem`, or did not."""
        self._host.report(self._id, problem)
        if problem is None:
            self._told.inc()
            return replace(notice, state="delivered", attempts=notice.attempts + 1)
        self._failed.inc()
        retry, now_ms = self._settings.retry_on_failure, time.time_ns() // 10**6
        wait_s = min(retry.max_interval, retry.initial_interval * 2 ** min(notice.attempts, 30))
        again = replace(notice, attempts=notice.attempts + 1, next_attempt=now_ms + int(wait_s * 1000))
        if now_ms - notice.decided_at > retry.max_elapsed_time * 1000:
            logger.error("%s gives a session up after %d attempts: %s", self._id, again.attempts, problem)
            return replace(again, state="given_up")
        if self._log_again.due(problem):
            logger.warning("%s: %s; it is tried again in %g s", self._id, problem, wait_s)
        return again

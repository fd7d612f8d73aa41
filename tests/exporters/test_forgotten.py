"""What an exporter knows of deleted sessions: it asks for what is new, and knows the same as whoever asks for all."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.exporters.clickhouse.forgotten import Forgotten
from otel_sessions.sessions import deletion
from otel_sessions.testing.otlp import span
from tests.integration.delivery import new_project
from tests.sessions.test_deletion import batch, store

pytestmark = pytest.mark.remote_too
ENDLESS = timedelta(days=1)


class Exporting:
    """A memory of deleted sessions whose clock and wall clock the test sets."""

    def __init__(self, client: Client, project: str) -> None:
        self.now, self.ns, self.dropped = 0.0, time.time_ns(), 0
        self._client, self._project = client, project
        self.forgotten = Forgotten(self._count, clock=lambda: self.now, now_ns=lambda: self.ns)

    def _count(self, spans: int) -> None:
        self.dropped += spans

    def left(self, session: str, *, after: float = 2.0) -> bool:
        """Whether a span of a session passes some seconds later."""
        self.now += after
        self.forgotten.look(self._client)
        return bool(
            self.forgotten.without(self._client, [batch(self._project, span(attributes={"session.id": session}))])
        )


def test_deletions_are_learned_as_they_come_with_their_traces(otel_client: Client) -> None:
    project = new_project()
    exporting = Exporting(otel_client, project)
    assert exporting.left("first")
    assert exporting.left("second")
    root, other = (span(attributes={"session.id": name}) for name in ("second", "first"))
    store(otel_client, project, root, other)
    for number, name in enumerate(("first", "second")):
        deletion.delete(otel_client, [(project, name)])
        assert not exporting.left(name)
        late = [span("late", parent=each) for each in (other, root)]
        assert sum(map(len, exporting.forgotten.without(otel_client, [batch(project, *late)]))) == 1 - number
    assert not exporting.left("first")
    assert exporting.left("third")
    assert exporting.dropped == 6


def test_only_what_was_said_of_late_is_read_between_two_looks_at_all(otel_client: Client) -> None:
    project = new_project()
    deletion.delete(otel_client, [(project, "old")])
    said = deletion.forgotten(otel_client)[project, "old"].updated_ns
    assert (project, "old") in deletion.forgotten(otel_client, said)
    deletion.delete(otel_client, [(project, "new")])
    assert (project, "old") not in deletion.forgotten(otel_client, said + 1)
    assert (project, "new") in deletion.forgotten(otel_client, said + 1)


def test_a_session_whose_time_is_over_or_was_made_shorter_may_come_again(otel_client: Client) -> None:
    project = new_project()
    exporting = Exporting(otel_client, project)
    deletion.delete(otel_client, [(project, "short"), (project, "withdrawn")], forget_for=ENDLESS)
    assert not exporting.left("short")
    assert not exporting.left("withdrawn")
    deletion.delete(otel_client, [(project, "withdrawn")], forget_for=-ENDLESS)
    assert exporting.left("withdrawn")
    assert not exporting.left("short")
    exporting.ns += int(ENDLESS.total_seconds()) * 10**9 + 10**9
    assert exporting.left("short")
    assert exporting.left("short", after=1000.0)

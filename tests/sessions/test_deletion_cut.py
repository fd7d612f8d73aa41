"""A deletion that was cut short is brought to its end, and no session that stays loses anything by it."""

from __future__ import annotations

import re
import time
from typing import Any, Final, cast

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError

from otel_sessions.errors import Permanent, Retryable
from otel_sessions.sessions import deletion
from otel_sessions.testing.otlp import Span, span
from tests.integration.delivery import new_project
from tests.sessions.test_deletion import left, sessions, store

S: Final = "session.id"


@pytest.fixture
def client(own_client: Client) -> Client:
    return own_client


class Cut:
    """A client that is cut off where it is about to write something to a table."""

    def __init__(self, client: Client, at: str) -> None:
        self._client = client
        self._at = at
        self.is_cut = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def command(self, sql: str, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
        self._look(sql.replace("{table:Identifier}", str((parameters or {}).get("table"))))
        return self._client.command(sql, parameters=parameters, **more)

    def raw_query(self, sql: str, **more: Any) -> bytes:
        self._look(sql)
        return self._client.raw_query(sql, **more)

    def _look(self, sql: str) -> None:
        if re.search(rf"^{self._at}\b", sql, re.MULTILINE):
            self.is_cut = True
            raise OperationalError("cut off")


def shared(*, has_best: bool) -> tuple[Span, ...]:
    """A trace of two sessions: the one that goes has the best claim, or only spans of its own."""
    first, second = ("gone", "stays") if has_best else ("stays", "gone")
    root = span("root", attributes={S: first})
    return root, span("child", parent=root), span("other", parent=root, attributes={S: second})


@pytest.mark.parametrize("has_best", [True, False])
@pytest.mark.parametrize(
    "at",
    [
        "DELETE FROM _trace_claims",
        "INSERT INTO _trace_claims",
        "INSERT INTO _corrections",
        "INSERT INTO _corrected_turns",
    ],
)
def test_a_deletion_that_was_cut_short_takes_nothing_of_a_session_that_stays(
    client: Client, at: str, has_best: bool
) -> None:
    project, begun = new_project(), time.time_ns()
    store(client, project, *shared(has_best=has_best))
    stays = [row for row in sessions(client, project) if row[0] == "stays"]
    cut = Cut(client, at)
    with pytest.raises((Retryable, Permanent)):
        deletion.delete(cast("Client", cut), [(project, "gone")])
    assert cut.is_cut
    deletion.delete_stored_again(client, begun)
    deletion.delete(client, [(project, "gone")])
    assert sessions(client, project) == stays
    assert left(client, project).keys() >= {"otel_traces", "_session_turns", "_trace_claims"}

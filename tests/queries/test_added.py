"""Sessions of which nothing was added are told from the others without a look at each table."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.queries import added
from otel_sessions.queries.additions import said_of_one, with_additions
from otel_sessions.queries.rows import Row
from otel_sessions.sessions import additions, life, scores
from tests.integration.delivery import new_project

pytestmark = pytest.mark.skipif(
    "config.getoption('--clickhouse') != 'embedded'", reason="parts of other servers do not tell what has changed"
)
GROUPS = frozenset({"core", "scores"})


class Watched:
    """A client of its own that notes its statements; to one that is `remote` parts tell nothing."""

    def __init__(self, client: Client, *, remote: bool = False) -> None:
        self._client = client
        self.statements: list[str] = []
        self.uri = "http://localhost" if remote else client.uri

    def raw_query(self, sql: str, *args: Any, **named: Any) -> bytes:
        self.statements.append(sql)
        found: bytes = self._client.raw_query(sql, *args, **named)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def of_one(client: Watched, project: str, id_: str = "s") -> Row:
    known = added.known(cast(Client, client), project, [id_])
    return said_of_one(cast(Client, client), project, id_, GROUPS, known)


def of_all(client: Watched, project: str) -> list[Row]:
    rows = [{"SessionId": id_, "EndTime": "2026-01-01 00:00:00"} for id_ in ("s", "other")]
    return with_additions(cast(Client, client), project, rows, GROUPS, now_ns=time.time_ns())


def _star(client: Client, project: str) -> None:
    additions.set_bookmark(client, project=project, session_id="s", wanted=True)


def _label(client: Client, project: str) -> None:
    additions.set_label(client, project=project, session_id="s", label="seen", wanted=True)


def _publish(client: Client, project: str) -> None:
    additions.publish(client, project=project, session_id="s")


def _judge(client: Client, project: str) -> None:
    now, of = datetime.now(UTC), {"project": project, "session_id": "s"}
    one = scores.Score(score_id="one", name="quality", data_type="NUMERIC", timestamp=now, updated_at=now, **of)
    scores.store(client, [one])


def _told(client: Client, project: str) -> None:
    client.command(
        "INSERT INTO _session_hooks (Hook, Project, SessionId, Revision) VALUES ('h', {p:String}, 's', 3)",
        {"p": project},
    )


def _limited(client: Client, project: str) -> None:
    life.set_limits(client, idle_after=1800, idle_after_of={project: 7}, split_after_of={project: 9})


def test_nothing_added_costs_two_short_statements(otel_client: Client) -> None:
    project, client = new_project(), Watched(otel_client)
    of_one(client, project), of_all(client, project)
    client.statements.clear()
    of_one(client, project)
    assert len(client.statements) <= 2
    assert not [sql for sql in client.statements if "_session_" in sql]


@pytest.mark.parametrize("bounds", [{}, {"_MOST_ROWS": 0}, {"_FEW_ROWS": 0}])
@pytest.mark.parametrize("change", [_star, _label, _publish, _judge, _told, _limited])
@pytest.mark.usefixtures("limits")
def test_the_next_read_sees_what_was_added(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, change: Callable[[Client, str], None], bounds: dict[str, int]
) -> None:
    for name, most in bounds.items():
        monkeypatch.setattr(added, name, most)
    project, known, asking = new_project(), Watched(otel_client), Watched(otel_client, remote=True)
    before = of_one(known, project), of_all(known, project)
    assert before == (of_one(asking, project), of_all(asking, project))
    change(otel_client, project)
    after = of_one(known, project), of_all(known, project)
    assert after == (of_one(asking, project), of_all(asking, project)) != before


def test_a_score_on_a_trace_may_be_of_any_session(otel_client: Client) -> None:
    project, client = new_project(), cast(Client, Watched(otel_client))
    found = added.known(client, project, ["s"])
    assert found is not None
    assert found.within([added.SCORES]) == []
    otel_client.command(
        "INSERT INTO _scores (Project, ScoreId, TraceId) VALUES ({p:String}, 'one', 't')", {"p": project}
    )
    found = added.known(client, project, ["s"])
    assert found is not None
    assert found.within([added.SCORES]) == ["s"]


def test_a_table_that_changes_all_the_time_is_not_read_each_time(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(added, "_FEW_ROWS", 0)
    project, client = new_project(), Watched(otel_client)
    for _ in range(2):
        _judge(otel_client, project)
        of_one(client, project, "other")
    assert not [sql for sql in client.statements if "DISTINCT" in sql and "_scores" in sql]
    for _ in range(20):  # a merge of what was stored is a change as well
        client.statements.clear()
        of_one(client, project, "other")
        if len(client.statements) <= 2:
            return
    raise AssertionError(client.statements)

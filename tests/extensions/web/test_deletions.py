"""Sessions that are deleted over HTTP."""

from __future__ import annotations

import time
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.component import Host
from otel_sessions.extensions.web.deleter import Deleter
from otel_sessions.queries import deletions
from otel_sessions.queries.filters import Filter
from otel_sessions.sessions import deletion
from tests.extensions.web.conftest import Api, segment, span, started
from tests.integration.delivery import new_project
from tests.integration.running import wait_until


def ended(api: Api, location: str) -> Any:
    """A job when it is over."""
    read = lambda: api.get(location.removeprefix("/api/v1"))  # noqa: E731
    return wait_until(read, wanted=lambda job: job["state"] != "running")


def test_a_deleted_session_is_gone_with_what_was_added(api: Api) -> None:
    api.store(span("a/b", 1), span("a/b", 2), span("kept", 3))
    path = f"/sessions/{segment('a/b')}"
    api.call("PUT", f"{path}/bookmark")
    api.call("POST", f"{path}/comments", {"text": "x"})
    token = api.call("POST", f"{path}/share").json["token"]
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).status == 404
    assert api.call("DELETE", path).status == 404
    assert api.call("GET", f"/share/{token}").status == 404
    assert api.ids() == ["kept"]
    assert api.ids(query="is:bookmarked OR has:comment") == []


def test_a_query_deletes_as_a_job_that_tells_how_far_it_is(api: Api) -> None:
    ada = {"user.id": "ada"}
    api.store(*(span(f"s{number}", number, attributes=ada) for number in range(1, 5)), span("kept", 9))
    answer = api.call("POST", "/deletions", {"query": "user:ada -id:s4", "to": "2026-01-02T00:00:00Z"})
    assert (answer.status, answer.json["found"]) == (202, 3)
    location = answer.headers["location"]
    assert ended(api, location) == {"id": answer.json["id"], "state": "done", "found": 3, "deleted": 3}
    assert sorted(api.ids()) == ["kept", "s4"]


def test_a_deletion_names_a_condition(api: Api) -> None:
    for body in ({}, {"query": " "}, {"query": "cost>"}, {"sql": "x"}):
        assert api.call("POST", "/deletions", body).status == 400
    assert api.call("GET", "/deletions/none").status == 404


def test_a_job_that_was_cut_short_goes_on_at_the_next_start(api: Api, web_host: Host, otel_client: Client) -> None:
    api.store(span("s", 1), span("s2", 3), span("t", 2))
    job = deletions.begin(otel_client, project=api.project, chosen=Filter(query="id:s*"), now_ns=time.time_ns())
    assert api.get(f"/deletions/{job.id}")["state"] == "running"
    deletion.delete(otel_client, [(api.project, "s")], forget_for=None)  # and the process ends before it says so
    web = started(web_host)
    try:
        done = ended(api, f"/api/v1/deletions/{job.id}")
        assert (done["state"], done["found"], done["deleted"]) == ("done", 2, 2)
    finally:
        web.shutdown(5)
    assert api.ids() == ["t"]


def test_a_short_job_does_not_wait_for_a_long_one(
    api: Api, web_host: Host, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "SESSIONS_AT_ONCE", 1)
    api.store(*(span(f"long{number}", number) for number in (1, 2)), span("short", 9))
    now = time.time_ns()
    long, short = (
        deletions.begin(otel_client, project=api.project, chosen=Filter(query=query), now_ns=now)
        for query in ("id:long*", "id:short")
    )
    stored: list[tuple[str, str]] = []
    store = deletions._store
    monkeypatch.setattr(deletions, "_store", lambda c, job: (store(c, job), stored.append((job.id, job.state))))
    deleter = Deleter(web_host)
    deleter.take_up(long)
    deleter.take_up(short)
    monkeypatch.setattr(deletions, "unfinished", lambda _: [])
    deleter.start()
    try:
        assert ended(api, f"/api/v1/deletions/{long.id}")["deleted"] == 2
    finally:
        deleter.shutdown(5)
    assert stored.index((short.id, "done")) < stored.index((long.id, "done"))
    assert api.ids() == []


def test_a_job_deletes_in_its_own_project_and_tells_nobody_else_how_far_it_is(api: Api, otel_client: Client) -> None:
    other = Api(api.address, new_project(), otel_client)
    for each in (api, other):
        each.store(span("same", 1))
    location = api.call("POST", "/deletions", {"query": "id:same"}).headers["location"]
    assert ended(api, location)["state"] == "done"
    assert other.call("GET", location.removeprefix("/api/v1")).status == 404
    assert api.ids() == []
    assert other.ids() == ["same"]

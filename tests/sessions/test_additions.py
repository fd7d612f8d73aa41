from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.sessions import additions
from tests.integration.delivery import new_project

pytestmark = pytest.mark.remote_too
NOW = datetime.now(UTC)


def rows(client: Client, table: str, project: str, columns: str = "*") -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM {table} WHERE Project = {{project:String}} ORDER BY ALL"
    return [tuple(row) for row in client.query(sql, parameters={"project": project}).result_rows]


def test_a_star_stays_until_it_is_taken_back_and_keeps_its_time(otel_client: Client) -> None:
    session = {"project": new_project(), "session_id": "a/b 'c' \\ \x00 日本"}
    additions.set_bookmark(otel_client, **session, wanted=True)
    first = rows(otel_client, "session_bookmarks", session["project"])
    additions.set_bookmark(otel_client, **session, wanted=True)
    assert rows(otel_client, "session_bookmarks", session["project"]) == first
    assert first[0][:2] == (session["project"], session["session_id"])
    additions.set_bookmark(otel_client, **session, wanted=False)
    assert rows(otel_client, "session_bookmarks", session["project"]) == []
    additions.set_bookmark(otel_client, **session, wanted=True)
    assert rows(otel_client, "session_bookmarks", session["project"])[0][2] > first[0][2]


def test_labels_come_and_go_one_by_one(otel_client: Client) -> None:
    session = {"project": new_project(), "session_id": "s"}
    for label in ("red", "green"):
        additions.set_label(otel_client, **session, label=label, wanted=True)
    additions.set_label(otel_client, **session, label="red", wanted=False)
    assert rows(otel_client, "_labels", session["project"], "Label") == [("green",)]


def test_a_deleted_comment_is_gone(otel_client: Client) -> None:
    session = {"project": new_project(), "session_id": "s"}
    kept = additions.comment(otel_client, **session, created_at=NOW, text="a\nb\t'\\", trace_id="t", span_id="x")
    gone = additions.comment(otel_client, **session, created_at=NOW, text="b")
    additions.delete_comment(otel_client, **session, comment_id=gone)
    found = rows(otel_client, "session_comments", session["project"], "CommentId, TraceId, SpanId, Text")
    assert found == [(kept, "t", "x", "a\nb\t'\\")]


def test_a_link_works_until_it_expires_or_is_taken_back_and_its_token_is_not_stored(otel_client: Client) -> None:
    project = new_project()
    tokens = [
        additions.publish(otel_client, project=project, session_id="a"),
        additions.publish(otel_client, project=project, session_id="b", expires_at=NOW + timedelta(days=1)),
        additions.publish(otel_client, project=project, session_id="c", expires_at=NOW - timedelta(seconds=1)),
    ]
    assert rows(otel_client, "session_shares", project, "SessionId") == [("a",), ("b",)]
    additions.unpublish(otel_client, project=project, session_id="a")
    assert rows(otel_client, "session_shares", project, "SessionId") == [("b",)]
    stored = rows(otel_client, "_session_shares", project, "toString(tuple(*))")
    assert not any(token in row[0] for token in tokens for row in stored)
    assert all(len(token) == 22 for token in tokens)


def test_a_view_is_replaced_by_its_name(otel_client: Client) -> None:
    project = new_project()
    additions.save_view(otel_client, project=project, name="mine", query="user:ada")
    additions.save_view(otel_client, project=project, name="mine", query="cost>1", sort="cost", columns=["a", "b'"])
    sql = "SELECT Query, Sort, Columns FROM _saved_views FINAL WHERE Project = {p:String} AND IsDeleted = 0"
    assert otel_client.query(sql, parameters={"p": project}).result_rows == [("cost>1", "cost", ["a", "b'"])]
    additions.delete_view(otel_client, project=project, name="mine")
    assert otel_client.query(sql, parameters={"p": project}).result_rows == []

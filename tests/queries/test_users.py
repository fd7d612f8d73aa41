"""Pages of users while they are seen again."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.queries.paging import CursorError, Readers
from otel_sessions.queries.rows import run
from otel_sessions.queries.users import UserSort, WantedUsers, list_users
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.crowds import crowd
from tests.integration.delivery import EPOCH, Receiver, deliver, new_project

S = 1_000_000_000
See = Callable[[str, int], None]


@pytest.fixture
def project() -> str:
    return new_project()


@pytest.fixture
def see(otel_client: Client, project: str) -> See:
    """Stores a turn of a user, so many seconds after the epoch."""
    receiver, numbers = Receiver(otel_client, project), itertools.count(1)

    def see(user: str, second: int) -> None:
        n, at = next(numbers), EPOCH + second * S
        receiver.take(
            [[OracleSpan(project, f"{n:032x}", f"{n:016x}", level=1, claim_id="s", start=at, end=at, user=user)]]
        )

    return see


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_whoever_follows_the_cursors_has_every_user_once_whoever_is_seen_meanwhile(
    otel_client: Client, project: str, see: See, order: str
) -> None:
    for number, user in enumerate("abcdef"):
        see(user, number)
    readers, had = Readers(), list[str]()
    wanted = WantedUsers(project, 2, order=order)  # type: ignore[arg-type]
    for number in range(9):
        page = list_users(otel_client, wanted, now_ns=EPOCH + 10 * S, readers=readers)
        had += [row["UserId"] for row in page.rows]
        if page.next_cursor is None:
            break
        if number == 0:
            see("a" if order == "desc" else had[0], 20)  # over the reader, or before it a second time
            see("new", 21)
        wanted = replace(wanted, cursor=page.next_cursor)
    assert sorted(user for user in had if user != "new") == list("abcdef")
    assert len(had) <= 7


def test_who_has_moved_over_the_reader_is_told_whole(otel_client: Client, project: str, see: See) -> None:
    for number, user in enumerate("abc"):
        see(user, number)
    wanted, readers = WantedUsers(project, 2), Readers()
    first = list_users(otel_client, wanted, now_ns=EPOCH + 10 * S, readers=readers)
    see("a", 20)
    second = list_users(otel_client, replace(wanted, cursor=first.next_cursor), now_ns=EPOCH + 30 * S, readers=readers)
    known = run(otel_client, "SELECT * FROM session_users WHERE Project = {p:String} AND UserId = 'a'", {"p": project})
    assert second.rows == known
    assert known[0]["TraceCount"] == 2


def test_a_cursor_is_of_one_list_of_users(otel_client: Client, project: str, see: See) -> None:
    for number, user in enumerate("abc"):
        see(user, number)
    cursor = list_users(otel_client, WantedUsers(project, 1), now_ns=EPOCH).next_cursor
    with pytest.raises(CursorError):
        list_users(otel_client, WantedUsers(project, 1, sort="cost", cursor=cursor), now_ns=EPOCH)


@pytest.fixture(scope="module")
def crowded(otel_client: Client) -> str:
    """A project of many users, delivered in any way."""
    spans = crowd(rnd := random.Random(11), new_project(), 4)
    deliver(otel_client, spans, rnd)
    return spans[0].project


@pytest.mark.parametrize("sort", get_args(UserSort))
def test_users_are_those_of_the_view(otel_client: Client, crowded: str, sort: UserSort) -> None:
    rows = run(otel_client, "SELECT * FROM session_users WHERE Project = {p:String}", {"p": crowded})
    listed = list_users(otel_client, WantedUsers(crowded, 1000, sort=sort), now_ns=EPOCH).rows
    assert rows
    assert sorted(listed, key=lambda row: row["UserId"]) == sorted(rows, key=lambda row: row["UserId"])

# SPDX-License-Identifier: Apache-2.0
"""What a start tells the bounds of sessions: turns of inserts that were broken off before they had told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from otel_sessions.clickhouse.chunks import batched
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.running import wait_for_inserts
from otel_sessions.clickhouse.sql import statement
from otel_sessions.sessions.attribution.given import about, given_sums

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SessionKey = tuple[str, str]
"""(project, session id)"""
_SESSIONS: Final = 4_096
"""Whose bounds are compared with their turns at once: these are held in memory."""
_LOOKS: Final = 3
"""At what seems missing; an insert that comes into one of three is there in a few of a hundred, and in all of them in
none of ten thousand."""


def tell_missing(client: Client, since: int) -> None:
    """Tells bounds of sessions that had turns stored since what no insert has told them.

    What was told is not told again: where bounds are too great, lists look at more sessions, for good.

    They do not get too small. An insert stores turns before it tells bounds of them, and a look reads what was told
    before it reads turns, so whatever it finds told it has found among the turns: what it finds missing is all that was
    broken off, and what inserts under way will tell yet. As each look finds enough of every figure, so does the least
    of some looks; and as none begins before those inserts have ended that the one before saw half of, that is too much
    only where an insert of the session came into each of them.
    """
    rows = client.query(statement(__package__, "sessions_since"), parameters={"since": since}).result_rows
    some, missing = list[SessionKey](), dict[SessionKey, Sequence[str]]()
    for more in batched([(project, session) for project, session in rows], _SESSIONS):
        some += more
        missing |= _missing(client, more)
        if len(missing) >= _SESSIONS:
            _tell(client, some, missing)
            some, missing = [], {}
    _tell(client, some, missing)


def _tell(client: Client, sessions: Sequence[SessionKey], missing: Mapping[SessionKey, Sequence[str]]) -> None:
    """Tells what these sessions lack that is not summed, and of sums the least that further looks find missing."""
    for _ in range(_LOOKS - 1 if missing else 0):
        wait_for_inserts(client)
        found = dict[SessionKey, Sequence[str]]()
        for some in batched([*missing], _SESSIONS):
            found |= _missing(client, some)
        missing = {session: _least(found[session], missing[session]) for session in found}
    for some in batched(sessions, _SESSIONS):
        sums = [(*session, missing.get(session, ())) for session in some]
        sql, parameters = given_sums(client, statement(__package__, "activity_anew"), sums)
        client.raw_query(sql, parameters=parameters, settings=settings(client))


def _missing(client: Client, sessions: Sequence[SessionKey]) -> dict[SessionKey, Sequence[str]]:
    """Of these sessions what seems not to be told of their turns, as decimals."""
    sql, parameters = about(client, statement(__package__, "activity_told"), sessions)
    told = {(row[0], row[1]): row[2] for row in client.query(sql, parameters=parameters).result_rows}
    sums = [(*session, told.get(session, ())) for session in sessions]
    sql, parameters = given_sums(client, statement(__package__, "activity_missing"), sums)
    return {(row[0], row[1]): row[2] for row in client.query(sql, parameters=parameters).result_rows}


def _least(one: Sequence[str], other: Sequence[str]) -> list[str]:
    return [min(pair, key=Decimal) for pair in zip(one, other, strict=True)]

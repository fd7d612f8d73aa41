"""The order of a rebuild.

What is stored while tables are built side by side reaches old and new ones; the late claims among it are put into force
once more at the end, where the attribution of a receiver may have told only the old ones.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.chunks import Period, Progress
from otel_sessions.sessions import attribution
from otel_sessions.sessions.rebuild import statements
from otel_sessions.sessions.rebuild.history import History
from otel_sessions.sessions.rebuild.settle import wait_for_inserts
from otel_sessions.sessions.rebuild.side import AGGREGATES, DEAD_AFTER_S, Side, make_room

ROWS_A_PIECE = 250_000
_CLOCKS_DIFFER = timedelta(seconds=60)
_FAR = timedelta(days=1)

Steps = Generator[Progress, None, int]
"""How far it is, and in the end how many spans there were to read."""


def everything(client: Client, *, rows_a_piece: int = ROWS_A_PIECE, dead_after_s: int = DEAD_AFTER_S) -> Steps:
    """Puts tables into force that say what the stored spans say, and nothing else.

    Stopped before the new tables take the place of the old ones, it changes nothing that is read. Raises `Permanent`
    while another rebuild is under way.
    """
    make_room(client, dead_after_s)
    begin = _now(client)
    side = Side(client)
    try:
        side.create_tables()
        side.create_stage({table: side.name(table) for table in AGGREGATES})
        side.follow()
        wait_for_inserts(client)
        history = History.plan(client, side, rows_a_piece, everything=True)
        yield from history.claims()
        yield from history.feed()
        side.exchange()
        yield from history.resolve()
        side.drop()
    finally:
        side.abandon()
    yield from _repair(client, Period(begin - _CLOCKS_DIFFER, begin + _FAR), rows_a_piece)
    return history.rows


def period(
    client: Client, stored: Period, *, rows_a_piece: int = ROWS_A_PIECE, dead_after_s: int = DEAD_AFTER_S
) -> Steps:
    """Adds what is missing of the traces of which spans were stored in a period, and takes nothing away.

    Running it twice, or stopping it before its end, does no harm. Raises `Permanent` while another is under way.
    """
    make_room(client, dead_after_s)
    return (yield from _repair(client, stored, rows_a_piece))


def _repair(client: Client, stored: Period, rows_a_piece: int) -> Steps:
    side = Side(client)
    try:
        side.create_best()
        side.create_stage({table: table for table in AGGREGATES})
        statements.insert(client, statements.text("concerned"), {"best": side.best, **stored.parameters})
        history = History.plan(client, side, rows_a_piece, everything=False)
        yield from history.claims()
        yield from history.feed()
        yield from history.announce()
        yield from history.resolve()
    finally:
        side.abandon()
    return history.rows


def _now(client: Client) -> datetime:
    return datetime.fromtimestamp(attribution.server_time(client), UTC)

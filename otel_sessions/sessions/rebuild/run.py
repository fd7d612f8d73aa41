# SPDX-License-Identifier: Apache-2.0
"""The order of a rebuild.

What is stored while tables are built side by side reaches old and new ones; what is in doubt among it is looked at once
more at the end, where the attribution of a receiver may have told only the old ones.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from otel_sessions.clickhouse import chunks
from otel_sessions.clickhouse.chunks import Period, Piece, Progress
from otel_sessions.clickhouse.cluster import has_shards
from otel_sessions.clickhouse.running import wait_for_inserts
from otel_sessions.errors import Permanent
from otel_sessions.sessions import attribution
from otel_sessions.sessions.rebuild import statements
from otel_sessions.sessions.rebuild.side import DEAD_AFTER_S, Side, make_room
from otel_sessions.sessions.rebuild.statements import Place
from otel_sessions.sessions.verify import differences
from otel_sessions.sessions.verify.differences import SessionKey

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ROWS_A_PIECE = 250_000
TRACES_A_CORRECTION = 500
_CLOCKS_DIFFER_S = 60
_NO_PERIOD = {"all": 1, "from": "1970-01-01 00:00:00", "to": "1970-01-01 00:00:00"}

Steps = Generator[Progress, None, int]
"""How far it is, and in the end how many spans there were to read."""


def everything(client: Client, *, rows_a_piece: int = ROWS_A_PIECE, dead_after_s: int = DEAD_AFTER_S) -> Steps:
    """Puts tables into force that say what the stored spans say, and nothing else.

    Stopped before the new tables take the place of the old ones, it changes nothing that is read. Raises `Permanent`
    while another rebuild is under way, and on a cluster.
    """
    if has_shards(client):
        raise Permanent("on a cluster only a period is rebuilt: give its beginning (`--from`); all of time is one too")
    make_room(client, dead_after_s)
    begin = attribution.server_time(client)
    side = Side(client)
    try:
        side.create()
        through = attribution.server_time(client)
        wait_for_inserts(client)
        rows, places, traces = _plan(client, rows_a_piece)
        for number, place in enumerate(places):
            yield Progress(rows * number // len(places) // 2, rows, "reading spans")
            side.beat()
            parameters = {"stage": side.stage, "through": through, **statements.places(place)}
            statements.insert(client, statements.text("feed"), parameters)
        for number, piece in enumerate(traces):
            yield Progress((rows + rows * number // len(traces)) // 2, rows, "correcting")
            for _ in _correct_unproven(client, piece, side):
                side.beat()
        side.exchange()
        side.drop()
    finally:
        side.abandon()
    yield Progress(rows, rows, "looking at what came meanwhile")
    left = attribution.left_behind(client, since=begin - _CLOCKS_DIFFER_S)
    for doubts in chunks.batched(left, TRACES_A_CORRECTION):
        attribution.correct_doubts(client, attribution.doubtful(client, doubts))
    return rows


def period(
    client: Client, stored: Period, *, rows_a_piece: int = ROWS_A_PIECE, dead_after_s: int = DEAD_AFTER_S
) -> Steps:
    """Corrects what is not right of the traces of which spans were stored in a period, and takes nothing away.

    Running it twice, or stopping it before its end, does no harm. Raises `Permanent` while another is under way.
    """
    make_room(client, dead_after_s)
    rows, sample = differences.sample(client, chunks.sample_size(chunks.MAX_PIECES))
    pieces = chunks.cut(sample, chunks.count(rows, rows_a_piece), "")
    bounds = {"all": 0, **stored.parameters}
    for number, piece in enumerate(pieces):
        yield Progress(rows * number // len(pieces), rows, "comparing")
        found = differences.find(client, piece, period=stored)
        for some in chunks.batched([difference.key for difference in found], TRACES_A_CORRECTION):
            _correct_sessions(client, some, bounds)
    return rows


def session(client: Client, project: str, session_id: str) -> int:
    """Corrects all traces that have to do with one session; returns how many."""
    return _correct_sessions(client, [(project, session_id)], _NO_PERIOD)


def _correct_sessions(client: Client, sessions: Sequence[SessionKey], bounds: dict[str, object]) -> int:
    rows = statements.rows(client, "traces_of_sessions", {"sessions": list(sessions), **bounds})
    traces = [(project, trace) for project, trace in rows]
    for some in chunks.batched(traces, TRACES_A_CORRECTION):
        attribution.correct_anew(client, some)
    return len(traces)


def _correct_unproven(client: Client, piece: Piece[str], side: Side) -> Iterator[None]:
    sql = attribution.renamed(statements.text("unproven"), side.names)
    found = client.query(sql, parameters=statements.traces(piece)).result_rows
    for some in chunks.batched(found, TRACES_A_CORRECTION):
        doubts = attribution.judge(client, some, names=side.names)
        attribution.correct_doubts(client, doubts, names=side.names)
        yield


def _plan(client: Client, rows_a_piece: int) -> tuple[int, list[Piece[Place]], list[Piece[str]]]:
    """How many spans there are, and in which pieces to read them and their traces."""
    rows = client.query("SELECT count() FROM otel_traces").result_rows[0][0]
    number = chunks.count(rows, rows_a_piece)
    ((_, sample),) = statements.rows(client, "sample", {"size": chunks.sample_size(number)})
    places = chunks.cut([(session_id, trace) for session_id, trace in sample], number, ("", ""))
    return rows, places, chunks.cut([trace for _, trace in sample], number, "")

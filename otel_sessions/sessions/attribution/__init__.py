"""Late claims: put the spans of a trace into their right session when a better claim has arrived.

Design section 4. Every statement is idempotent and only ever adds rows: running one twice, late, or at two receivers
changes nothing. `trace_claims` says what the right session is and where spans were stored; the rest follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement

TraceKey = tuple[str, str]
"""(project, trace id)"""
_TRACES: Final = "Array(Tuple(String, String))"
_PARAMETER_BYTES: Final = 64 * 2**10
"""ClickHouse's `http_max_field_value_size` is 128 KiB; escapes may double what is in quotes."""
Claim = tuple[int, int, int, str]
"""(level, 0 for a root, start in ns, session id); the smaller is the better."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """A trace that needs attention: its best claim, whether spans of it were stored with another claim in mind, and
    whether they stand under several sessions, where two versions of one span may meet."""

    trace: TraceKey
    best: Claim
    stale: bool
    several: bool


def find(client: Client, traces: Sequence[TraceKey]) -> list[Attribution]:
    """Of these traces those that need `move` or `resolve`; mostly none."""
    sql, parameters = _bound("stale", traces)
    return _found(client.query(sql, parameters=parameters).result_rows)


def move(client: Client, traces: Sequence[TraceKey]) -> None:
    """Puts each span of these traces under the session of its trace's best claim."""
    _insert(client, "move", traces)
    _insert(client, "claims", traces)


def resolve(client: Client, traces: Sequence[TraceKey]) -> None:
    """Lets one version of each span of these traces count, in whatever sessions its versions stand."""
    _insert(client, "conflicts", traces)


def pending(client: Client) -> list[Attribution]:
    """What receivers that died may have left: as `find`, of all traces stored since any receiver last did its round."""
    return _found(client.query(statement(__package__, "since")).result_rows)


def record(client: Client, receiver: str, through: int) -> None:
    """Notes that `receiver` has left nothing behind that was stored before `through` (unix seconds of the server)."""
    client.command(
        "INSERT INTO attribution_progress (Receiver, Through) SELECT {receiver:String}, toDateTime({through:UInt32})",
        parameters={"receiver": receiver, "through": through},
    )


def record_all(client: Client, receiver: str, through: int) -> None:
    """The same for every receiver on record and this one, after all that was `pending` is done."""
    client.command(
        "INSERT INTO attribution_progress (Receiver, Through) "
        "SELECT Receiver, toDateTime({through:UInt32}) FROM attribution_progress FINAL",
        parameters={"through": through},
    )
    record(client, receiver, through)


def server_time(client: Client) -> int:
    """The server's clock in unix seconds, the one of `ReceivedAt`."""
    return int(client.query("SELECT toUnixTimestamp(now())").result_rows[0][0])


def _found(rows: Sequence[Sequence[Any]]) -> list[Attribution]:
    return [
        Attribution((project, trace), _claim(best), bool(stale), sessions > 1)
        for project, trace, best, stale, sessions in rows
    ]


def _insert(client: Client, name: str, traces: Sequence[TraceKey]) -> None:
    if traces:
        sql, parameters = _bound(name, traces)
        client.raw_query(sql, parameters=parameters, settings=settings(client))


def _bound(name: str, traces: Sequence[TraceKey]) -> tuple[str, dict[str, list[TraceKey]]]:
    """A statement and its parameters: as many as it takes, since a server takes no long ones."""
    parts = {f"traces_{number}": part for number, part in enumerate(_short(traces))}
    arrays = ", ".join(f"{{{part}:{_TRACES}}}" for part in parts)
    return statement(__package__, name).replace(f"{{traces:{_TRACES}}}", f"arrayConcat({arrays})"), parts


def _short(traces: Sequence[TraceKey]) -> Iterator[list[TraceKey]]:
    """The traces in lists that are short enough as text for one parameter; one list at least."""
    part, nbytes = list[TraceKey](), 0
    for trace in traces:
        size = len(repr(trace).encode())
        if part and nbytes + size > _PARAMETER_BYTES:
            yield part
            part, nbytes = [], 0
        part.append(trace)
        nbytes += size
    yield part


def _claim(best: Mapping[str, Any]) -> Claim:
    return best["Level"], best["NotRoot"], best["Start"], best["Id"]

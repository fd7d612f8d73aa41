"""Late claims: put the spans of a trace into their right session when a better claim has arrived.

Design section 4. Every statement is idempotent and only ever adds rows: running one twice, late, or at two receivers
changes nothing. `trace_claims` says what the right session is and where spans were stored; the rest follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from clickhouse_connect.driver.client import Client

TraceKey = tuple[str, str]
"""(project, trace id)"""
Claim = tuple[int, int, int, str]
"""(level, 0 for a root, start in ns, session id); the smaller is the better."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """A trace that needs attention: its best claim, and whether spans of it stand under another session."""

    trace: TraceKey
    best: Claim
    stale: bool


def find(client: Client, traces: Sequence[TraceKey]) -> list[Attribution]:
    """Of these traces those to `apply` to; mostly none."""
    rows = client.query(_sql("stale"), parameters={"traces": list(traces)}).result_rows
    return [Attribution((project, trace), _claim(best), bool(stale)) for project, trace, best, stale in rows]


def apply(client: Client, traces: Sequence[TraceKey]) -> None:
    """Puts each span of these traces under the session of the contract's rule."""
    for name in ("move", "claims", "conflicts"):
        client.command(_sql(name), parameters={"traces": list(traces)}, settings=_INSERT_SETTINGS)


def pending(client: Client) -> list[TraceKey]:
    """The traces that a receiver which died may have left."""
    return [(project, trace) for project, trace in client.query(_sql("since")).result_rows]


def record(client: Client, receiver: str, through: int) -> None:
    """Notes that `receiver` has left nothing behind that was stored before `through` (unix seconds of the server)."""
    client.command(
        "INSERT INTO attribution_progress (Receiver, Through) SELECT {receiver:String}, toDateTime({through:UInt32})",
        parameters={"receiver": receiver, "through": through},
    )


def server_time(client: Client) -> int:
    """The server's clock in unix seconds, the one of `ReceivedAt`."""
    return int(client.query("SELECT toUnixTimestamp(now())").result_rows[0][0])


_INSERT_SETTINGS = {"async_insert": 0, "max_partitions_per_insert_block": 0}


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text("utf-8")


def _claim(best: object) -> Claim:
    level, not_root, start, id_ = best.values() if isinstance(best, dict) else best  # type: ignore[misc]
    return int(level), int(not_root), int(start), str(id_)

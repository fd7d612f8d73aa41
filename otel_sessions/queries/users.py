# SPDX-License-Identifier: Apache-2.0
"""Users, by what the turns of their sessions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from otel_sessions.queries.filters import FIRST_NS
from otel_sessions.queries.paging import MAX_IDS_OF_ONE, Moving, Page, Place, Readers, decode, unread
from otel_sessions.queries.rows import Row, composed, portions, run, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

UserSort = Literal["last_seen", "first_seen", "sessions", "traces", "errors", "tokens", "cost"]
_KEYS: Final[dict[str, tuple[str, str]]] = {
    "last_seen": ("toUnixTimestamp64Nano(LastSeen)", "Int64"),
    "first_seen": ("toUnixTimestamp64Nano(FirstSeen)", "Int64"),
    "sessions": ("SessionCount", "UInt64"),
    "traces": ("TraceCount", "UInt64"),
    "errors": ("ErrorCount", "UInt64"),
    "tokens": ("TotalTokens", "UInt64"),
    "cost": ("Cost", "Float64"),
}
_FIGURES: Final = "FirstSeen"


@dataclass(frozen=True, slots=True)
class WantedUsers:
    """Which users, in which order, and how many of them; those with equal keys are in the order of their ids.

    `q` is a piece of their ids, letter case ignored. With `since_ns`, in nanoseconds since 1970, those that were seen
    then or later.
    """

    project: str
    limit: int
    q: str = ""
    sort: UserSort = "last_seen"
    order: Literal["asc", "desc"] = "desc"
    since_ns: int | None = None
    cursor: str | None = None

    @property
    def identity(self) -> Sequence[Any]:
        """What tells its list from others; a cursor is of one list."""
        return ["moving users", self.project, self.q, self.sort, self.order]


def list_users(client: Client, wanted: WantedUsers, *, now_ns: int, readers: Readers | None = None) -> Page:
    """Users in the columns of the view `session_users`.

    With `readers`, whoever follows the cursors has every user once that was there all along, whoever is seen meanwhile.
    Raises `CursorError`, and what `rows.run` does.
    """
    moving = Moving(
        wanted.identity,
        "UserId",
        lambda place: _behind(client, wanted, place),
        lambda began_ns: _listed(
            client,
            wanted,
            "toUnixTimestamp64Nano(FirstSeen) <= {began:Int64}",
            {"limit": MAX_IDS_OF_ONE, "began": began_ns},
            columns="UserId",
        ),
    )
    page, next_ = unread(moving, wanted.limit, wanted.cursor, readers, now_ns)
    known = {row["UserId"]: row for row in page}
    for ids in portions(id_ for id_, row in known.items() if _FIGURES not in row):
        rows = _listed(client, wanted, "UserId IN {user_ids:Array(String)}", {"limit": len(ids), "user_ids": ids})
        known |= {row["UserId"]: row for row in rows}
    shown = [row for row in known.values() if _FIGURES in row]
    return Page([{name: value for name, value in row.items() if name != "_key"} for row in shown], next_)


def _behind(client: Client, wanted: WantedUsers, place: Place | None) -> list[Row]:
    if place is None:
        return _listed(client, wanted, "1", {"limit": wanted.limit + 1})
    _, type_ = _KEYS[wanted.sort]
    sign = "<" if wanted.order == "desc" else ">"
    behind = f"(_key {sign} {{key:{type_}}} OR _key = {{key:{type_}}} AND UserId > {{behind:String}})"
    return _listed(client, wanted, behind, {"limit": wanted.limit + 1, "key": place[0], "behind": place[1]})


def _listed(
    client: Client, wanted: WantedUsers, behind: str, bound: Mapping[str, Any], *, columns: str = "u.*"
) -> list[Row]:
    since = FIRST_NS if wanted.since_ns is None else wanted.since_ns
    named = {"project": wanted.project, "q": wanted.q, "since": since, **bound}
    texts = {"COLUMNS": columns, "KEY": _KEYS[wanted.sort][0], "DIRECTION": wanted.order.upper(), "BEHIND": behind}
    return run(client, composed("list_users", **texts), named)


def check_cursor(wanted: WantedUsers) -> None:
    """Raises `CursorError` for one that no page of its list gave."""
    if wanted.cursor:
        decode(wanted.identity, wanted.cursor)


def may_be_user(client: Client, *, project: str, user_id: str) -> bool:
    """Whether any session may have turns of this user, asked of what sessions have at most: no is certain."""
    return bool(select(client, "may_be_user", {"project": project, "user_id": user_id}))


def get_user(client: Client, *, project: str, user_id: str) -> Row | None:
    """The user in the columns of the view `session_users`; None if there is none."""
    rows = select(client, "user", {"project": project, "user_id": user_id})
    return rows[0] if rows else None

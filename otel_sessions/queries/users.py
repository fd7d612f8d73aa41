# SPDX-License-Identifier: Apache-2.0
"""Users, by what the turns of their sessions say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from otel_sessions.queries.paging import Page, decode, encode
from otel_sessions.queries.rows import Row, composed, run, select

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

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


def list_users(
    client: Client,
    *,
    project: str,
    limit: int,
    q: str = "",
    sort: UserSort = "last_seen",
    order: Literal["asc", "desc"] = "desc",
    since_ns: int | None = None,
    cursor: str | None = None,
) -> Page:
    """Users in the columns of the view `session_users`; `q` is a piece of their ids, letter case ignored.

    With `since_ns`, in nanoseconds since 1970, those that were seen then or later.
    """
    list_ = ["users", project, q, sort, order]
    key, type_ = _KEYS[sort]
    behind = "1"
    since = -(2**63) if since_ns is None else since_ns
    bound: dict[str, Any] = {"project": project, "q": q, "since": since, "limit": limit + 1}
    if cursor:
        last, user_id = decode(list_, cursor)
        sign = "<" if order == "desc" else ">"
        behind = f"(_key {sign} {{key:{type_}}} OR _key = {{key:{type_}}} AND UserId > {{behind:String}})"
        bound |= {"key": last, "behind": user_id}
    rows = run(client, composed("list_users", KEY=key, DIRECTION=order.upper(), BEHIND=behind), bound)
    shown = [{name: value for name, value in row.items() if name != "_key"} for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(shown)
    return Page(shown, encode(list_, [rows[limit - 1]["_key"], rows[limit - 1]["UserId"]]))


def check_cursor(*, project: str, q: str, sort: UserSort, cursor: str) -> None:
    """Raises `CursorError` for one that no page of `list_users`, the greatest first, gave."""
    decode(["users", project, q, sort, "desc"], cursor)


def may_be_user(client: Client, *, project: str, user_id: str) -> bool:
    """Whether any session may have turns of this user, asked of what sessions have at most: no is certain."""
    return bool(select(client, "may_be_user", {"project": project, "user_id": user_id}))


def get_user(client: Client, *, project: str, user_id: str) -> Row | None:
    """The user in the columns of the view `session_users`; None if there is none."""
    rows = select(client, "user", {"project": project, "user_id": user_id})
    return rows[0] if rows else None

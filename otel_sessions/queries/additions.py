# SPDX-License-Identifier: Apache-2.0
"""What people added to sessions: stars, labels, scores, comments, links, and their saved views; `sessions.additions`
and `sessions.scores` write it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.queries import added, keyed
from otel_sessions.queries.paging import Page, decode, page
from otel_sessions.queries.rows import Row, as_json, nanoseconds, portions, select
from otel_sessions.queries.share_hiding import Hidden
from otel_sessions.queries.stored_parts import Parts
from otel_sessions.sessions.additions import token_hash

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_SCORE: Final = ("ScoreId", "TraceId", "SpanId", "Name", "DataType", "Comment", "Source", "Timestamp", "UpdatedAt")
_SHARE: Final = ("CreatedAt", "ExpiresAt", "Mode", "Hide", "HideRoles")


def with_additions(
    client: Client,
    project: str,
    rows: Sequence[Row],
    groups: Collection[str],
    *,
    now_ns: int,
    parts: Parts | None = None,
) -> list[Row]:
    """Rows of the view `sessions` with `Bookmarked`, `Labels`, `State` and `IdleAfter`, after how many nanoseconds
    without a span it is idle, and `Scores` if the groups have them. `parts` are as in `added.known`.
    """
    of_all: dict[str, Row] = {}
    scores: dict[str, list[Row]] = {}
    for ids in portions(row["SessionId"] for row in rows):
        named = {"project": project, "session_ids": ids}
        own, of_these = keyed.at_once(
            client,
            partial(_additions_of, project=project, session_ids=ids, parts=parts),
            partial(keyed.select, name="scores_of", parameters=named) if "scores" in groups else lambda _: [],
        )
        of_all |= {row["SessionId"]: row for row in own}
        for score in of_these:
            scores.setdefault(score["SessionId"], []).append(shown_score(score))
    found = []
    for row in rows:
        own = of_all[row["SessionId"]]
        more = {"Bookmarked": bool(own["Bookmarked"]), "Labels": own["Labels"], **state(row, own["IdleAfter"], now_ns)}
        if "scores" in groups:
            more["Scores"] = scores.get(row["SessionId"], [])
        found.append({**row, **more})
    return found


def said_of_one(
    client: Client, project: str, session_id: str, groups: Collection[str], known: added.Known | None
) -> Row:
    """What `with_additions` adds to a row of the view `sessions` but its `State`, and `Share` (the newest link that
    works, as `list_shares` has it, or None), `Revision` (the last that a hook decided on, or 0) and `SplitAfter` (after
    how many nanoseconds without a turn another part begins; 0 for never). Where nothing is `known`, all is asked.
    """
    named = {"project": project, "session_id": session_id}
    if known is None or known.within((*added.BY_PEOPLE, *added.BY_OTHERS)):
        (said,) = select(client, "said_of_one", named)
    else:
        said = {"Bookmarked": 0, "Labels": [], "Revision": 0, "Share": []}
        said |= {"IdleAfter": known.idle_after, "SplitAfter": known.split_after}
        said["MayHaveScores"] = known.within([added.SCORES])
    has_scores = said.pop("MayHaveScores")
    if "scores" in groups:
        found = keyed.select(client, "scores_of", {**named, "session_ids": [session_id]}) if has_scores else []
        said["Scores"] = [shown_score(score) for score in found]
    share = said.pop("Share")
    return {
        **said,
        "Bookmarked": bool(said["Bookmarked"]),
        "Share": dict(zip(_SHARE, share[0], strict=True)) if share else None,
    }


def _additions_of(client: Client, project: str, session_ids: Sequence[str], parts: Parts | None) -> list[Row]:
    """The rows of `additions_of.sql`, of which only those are asked for that may have anything."""
    known, asked = added.known(client, project, session_ids, parts), list(session_ids)
    found: list[Row] = []
    if known is not None:
        asked = known.within(added.BY_PEOPLE)
        others = set(session_ids).difference(asked)
        found = [{"SessionId": id_, "Bookmarked": 0, "Labels": [], "IdleAfter": known.idle_after} for id_ in others]
    return found + (select(client, "additions_of", {"project": project, "session_ids": asked}) if asked else [])


def state(row: Row, idle_after: int, now_ns: int) -> Row:
    """`State` of a session by the end of its last span, and `IdleAfter` in nanoseconds."""
    return {
        "State": "active" if nanoseconds(row["EndTime"]) >= now_ns - idle_after else "idle",
        "IdleAfter": idle_after,
    }


def shown_score(row: Row) -> Row:
    """A score in the members of REST: `value` is a number, a text, or true or false, as its `data_type` says."""
    shown = as_json({name: row[name] for name in _SCORE})
    value: Any = row["StringValue"]
    if row["DataType"] == "NUMERIC":
        value = row["Value"]
    elif row["DataType"] == "BOOLEAN":
        value = row["Value"] != 0
    return {**shown, "session_id": row["SessionId"], "value": value}


@dataclass(frozen=True, slots=True)
class Shared:
    """The session that a link opens, what of it is hidden, and whether it is as it was when it was published."""

    project: str
    session_id: str
    is_frozen: bool
    hidden: Hidden


def shared_session(client: Client, token: str) -> Shared | None:
    """What a link's token opens now; None if it opens nothing."""
    rows = select(client, "shared_session", {"token_hash": token_hash(token)})
    if not rows:
        return None
    row = rows[0]
    hidden = Hidden(frozenset(row["Hide"]), frozenset(row["HideRoles"]), published=True)
    return Shared(row["Project"], row["SessionId"], bool(row["IsFrozen"]), hidden)


def list_shares(client: Client, *, project: str, limit: int, cursor: str | None = None) -> Page:
    """The links that work, the newest first: `SessionId`, `CreatedAt`, `ExpiresAt`, `Mode`, `Hide`, `HideRoles`."""
    list_ = ["shares", project]
    time, key = decode(list_, cursor) if cursor else ("2262-04-11 00:00:00", "")
    rows = select(client, "shares", {"project": project, "time": time, "key": key, "limit": limit + 1})
    found = page(rows, limit, list_, lambda row: (row["CreatedAt"], row["_key"]))
    return Page([{k: v for k, v in row.items() if k != "_key"} for row in found.rows], found.next_cursor)


def list_comments(client: Client, *, project: str, session_id: str, limit: int, cursor: str | None = None) -> Page:
    """The comments on a session, the oldest first, in the columns of the view `session_comments`."""
    list_ = ["comments", project, session_id]
    time, key = decode(list_, cursor) if cursor else ("1970-01-01 00:00:00", "")
    named = {"project": project, "session_id": session_id, "time": time, "key": key}
    rows = select(client, "comments", {**named, "limit": limit + 1})
    return page(rows, limit, list_, lambda row: (row["CreatedAt"], row["CommentId"]))


def has_comment(client: Client, *, project: str, session_id: str, comment_id: str) -> bool:
    named = {"project": project, "session_id": session_id, "comment_id": comment_id}
    return bool(select(client, "has_comment", named))


def list_scores(client: Client, *, project: str, session_id: str, limit: int, cursor: str | None = None) -> Page:
    """The scores of a session, those of its turns and spans included, by their ids, as `shown_score` has them."""
    list_ = ["scores", project, session_id]
    (behind,) = decode(list_, cursor) if cursor else ("",)
    named = {"project": project, "session_id": session_id, "behind": behind}
    found = page(
        keyed.select(client, "scores", {**named, "limit": limit + 1}), limit, list_, lambda row: (row["ScoreId"],)
    )
    return Page([shown_score(row) for row in found.rows], found.next_cursor)


def list_views(client: Client, *, project: str) -> list[Row]:
    """The saved views by name: `Name`, `Query`, `Sort`, `Order`, `Columns`, `UpdatedAt`."""
    return select(client, "views", {"project": project})

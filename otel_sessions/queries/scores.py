"""Scores, out of the table `scores` and the view `session_scores`; `sessions.scores` writes them."""

from __future__ import annotations

from clickhouse_connect.driver.client import Client

from otel_sessions.queries.rows import Row, select


def page(
    client: Client,
    *,
    project: str,
    limit: int,
    offset: int = 0,
    session_id: str = "",
    trace_id: str = "",
    name: str = "",
    data_type: str = "",
) -> tuple[list[Row], int]:
    """Scores in the columns of `session_scores`, the latest first, and how many there are; empty text is no condition.

    With `session_id` those of its traces and spans are among them. Without, `SessionId` is as it was given.
    """
    wanted = {"session_id": session_id, "trace_id": trace_id, "name": name, "data_type": data_type}
    rows = select(client, "scores_page", {"project": project, **wanted, "limit": limit, "offset": offset})
    if not rows and offset:
        first = select(client, "scores_page", {"project": project, **wanted, "limit": 1, "offset": 0})
        return [], total(first)
    return rows, total(rows)


def one(client: Client, *, project: str, score_id: str) -> Row | None:
    """The score of this id; None if there is none."""
    rows = select(client, "score", {"project": project, "score_id": score_id})
    return rows[0] if rows else None


def total(rows: list[Row]) -> int:
    """What each row of a page says."""
    return int(rows[0]["Total"]) if rows else 0

# SPDX-License-Identifier: Apache-2.0
"""Where a session falls into parts: a mark before the turn with which one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otel_sessions.extensions.web.pages.visit import Visit
from otel_sessions.queries import detail
from otel_sessions.queries.rows import as_json

Part = Mapping[str, Any]


def beginning(visit: Visit, traces: Sequence[str]) -> list[Part]:
    """The parts that begin with one of these turns, as REST has them, with links to those beside as `previous` and
    `next`, None without one.
    """
    place = {"project": visit.call.project, "session_id": visit.session_id}
    rows = detail.parts_beginning(visit.client, **place, traces=traces)
    return [
        {
            **visit.call.hidden.session(as_json(row)),
            "previous": _link(visit, row["PreviousTraceId"], row["Part"] - 1),
            "next": _link(visit, row["NextTraceId"], row["Part"] + 1),
        }
        for row in rows
    ]


def put(cards: Sequence[dict[str, Any]], parts: Sequence[Part], numbers: Mapping[str, int]) -> None:
    """Gives each part to the card of its first turn as `begins`; where that is not shown, to the next that is."""
    waiting = list(parts)
    for card in cards:
        begun = [part for part in waiting if numbers[part["first_trace_id"]] <= card["number"]]
        card["begins"], waiting = begun, waiting[len(begun) :]


def _link(visit: Visit, trace_id: str, part: int) -> str | None:
    """To the mark of a part, on the page that begins with its first turn."""
    if not trace_id:
        return None
    return f"{visit.with_query(at=trace_id, turn=None, before=None, fragment=None)}#part-{part}"

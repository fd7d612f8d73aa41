# SPDX-License-Identifier: Apache-2.0
"""The course of a session: charts of its minutes, percentiles of its turns, what its models cost, where parts begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from otel_sessions.extensions.web.pages import charts as drawing
from otel_sessions.extensions.web.pages.format import instant
from otel_sessions.extensions.web.pages.visit import Visit
from otel_sessions.queries import detail
from otel_sessions.queries.rows import Row, as_json

_COLUMNS: Final = 90
NOTHING_DRAWN: Final[Mapping[str, Any]] = {"charts": [], "costs": [], "percentiles": None, "dearest": None}
_MODELS: Final = 3
"""Models that are told apart; the others are one."""
_SERIES: Final = (
    ("tokens", "Tokens", "compact", "total_tokens"), ("cost", "Cost", "money", "cost"),
    ("errors", "Errors", "compact", "error_count"),
)  # fmt: skip
"""Name, title and unit of a chart, and the member of a session that is its total."""
Part = Mapping[str, Any]
"""A part of a session, as REST has it."""


def expected(visit: Visit, session: Mapping[str, Any]) -> dict[str, Any]:
    """Where the charts of a session are, and which these will be, so that a page can keep room for them."""
    many = session["start_time"][:16] != session["end_time"][:16]
    costs = session["total_tokens"] or session["cost"]
    has_dearest = bool(session["cost"]) and session["trace_count"] > 1
    return {
        "charts_link": visit.with_query(fragment="charts", span=None, turn=None, minutes="many" if many else None),
        "drawn_link": visit.with_query(charts="1", minutes="many" if many else None),
        "chart_titles": [title for _, title, _, member in _SERIES if many and session[member]],
        "cost_rows": min(len(session["models"]), _MODELS + 1) + has_dearest if costs else 0,
        **(drawn(visit) if visit.get("charts") else NOTHING_DRAWN),
    }


def drawn(visit: Visit) -> dict[str, Any]:
    """What a session's page shows of its course and its models; figures that may take longer than the page itself.

    With `minutes` in the address, as the page of a session of several has it, there are charts over time.
    """
    models = [as_json(row) for row in detail.models(visit.client, **visit.of_session)]
    costs, rest = models[:_MODELS], models[_MODELS:]
    if rest:
        names = ("total_tokens", "cost", "unpriced_calls")
        costs.append({"model": "others", **{name: sum(row[name] for row in rest) for name in names}})
    percentiles = detail.percentiles(visit.client, **visit.of_session)
    charts = _charts(detail.course(visit.client, **visit.of_session, columns=_COLUMNS)) if visit.get("minutes") else []
    return {
        "charts": charts,
        "chart_links": ["#turns"] * _COLUMNS,
        "found": "",
        "percentiles": as_json(percentiles) if percentiles else None,
        "costs": costs,
        "dearest": _dearest(visit, sum(model["cost"] for model in models)),
    }


def _dearest(visit: Visit, total: float) -> dict[str, Any] | None:
    """Of several turns the one that cost most, with a link to it and its share of the total; None where none did."""
    rows = detail.outline(visit.client, **visit.of_session, sort="cost", limit=2)
    if len(rows) < 2 or not rows[0]["Cost"]:
        return None
    turn = visit.call.hidden.session(as_json(rows[0]))
    link = visit.with_query(at=turn["trace_id"], fragment=None, minutes=None, charts=None, show=None)
    return {**turn, "link": link, "share": min(1.0, turn["cost"] / total) if total else 0.0}


def _charts(parts: Sequence[Row]) -> list[drawing.Chart]:
    """Tokens, cost and errors over the session's minutes, each where there is any of it."""
    if not parts:
        return []
    begin, step = instant(parts[0]["First"]), timedelta(minutes=parts[0]["Size"])
    points: list[dict[str, Any]] = [
        {"time": (begin + step * place).strftime("%Y-%m-%dT%H:%M:%SZ"), "tokens": 0, "cost": 0.0, "errors": 0}
        for place in range(max(2, parts[-1]["Place"] + 1))
    ]
    for part in parts:
        points[part["Place"]].update(tokens=part["Tokens"], cost=part["Cost"], errors=part["Errors"])
    totals = {name: sum(point[name] for point in points) for name, *_ in _SERIES}
    return [
        drawing.chart(points, name, title, unit, total=totals[name]) for name, title, unit, _ in _SERIES if totals[name]
    ]


def parts_beginning(visit: Visit, traces: Sequence[str]) -> list[Part]:
    """The parts that begin with one of these turns, as REST has them, with links to those beside as `previous` and
    `next`, None without one.
    """
    rows = detail.parts_beginning(visit.client, **visit.of_session, traces=traces)
    return [
        {
            **visit.call.hidden.session(as_json(row)),
            "previous": _part_link(visit, row["PreviousTraceId"], row["Part"] - 1),
            "next": _part_link(visit, row["NextTraceId"], row["Part"] + 1),
        }
        for row in rows
    ]


def put_parts(cards: Sequence[dict[str, Any]], parts: Sequence[Part], numbers: Mapping[str, int]) -> None:
    """Gives each part to the card of its first turn as `begins`; where that is not shown, to the next that is."""
    waiting = list(parts)
    for card in cards:
        begun = [part for part in waiting if numbers[part["first_trace_id"]] <= card["number"]]
        card["begins"], waiting = begun, waiting[len(begun) :]


def _part_link(visit: Visit, trace_id: str, part: int) -> str | None:
    """To the mark of a part, on the page that begins with its first turn."""
    if not trace_id:
        return None
    return f"{visit.with_query(at=trace_id, turn=None, before=None, fragment=None)}#part-{part}"

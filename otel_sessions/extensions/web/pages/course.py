"""The course of a session: its minutes as charts, percentiles of its turns, and what its models cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from otel_sessions.extensions.web.api import questions, sessions
from otel_sessions.extensions.web.api.parameters import Paged
from otel_sessions.extensions.web.pages import charts as drawing
from otel_sessions.extensions.web.pages.format import instant, quoted
from otel_sessions.extensions.web.pages.visit import Visit

_COLUMNS: Final = 90
_MODELS: Final = 3
"""Models that are told apart; the others are one."""


def drawn(visit: Visit) -> dict[str, Any]:
    """What a session's page shows of its course and its models; figures that may take longer than the page itself."""
    return {"charts": _charts(visit), "chart_links": ["#turns"] * _COLUMNS, "found": "", **_figures(visit)}


def _figures(visit: Visit) -> dict[str, Any]:
    """Percentiles of the turns, and tokens and cost by model."""
    only = {"query": f"id:{quoted(visit.session_id)}", "interval": "all"}
    times = visit.read(questions.measure, questions.Metrics, {**only, "series": "duration_p50_ns,duration_p95_ns"})
    total = times["groups"][0]["total"] if times["groups"] else {}
    by_model = {**only, "series": "cost,tokens", "group_by": "model", "top": _MODELS}
    models = visit.read(questions.measure, questions.Metrics, by_model)
    costs = [
        {"model": group["key"] if group["key"] is not None else "others", **group["total"]}
        for group in models["groups"]
        if group["key"] != "" and (group["total"].get("tokens") or group["total"].get("cost"))
    ]
    percentiles = {"p50": total.get("duration_p50_ns"), "p95": total.get("duration_p95_ns")}
    return {"percentiles": percentiles if percentiles["p50"] is not None else None, "costs": costs}


def _charts(visit: Visit) -> list[drawing.Chart]:
    """Tokens, cost and errors over the session's minutes."""
    minutes = visit.read(sessions.timeline, Paged, {"limit": 1000})["timeline"]
    if len(minutes) < 2:
        return []
    begin, end = instant(minutes[0]["minute"]), instant(minutes[-1]["minute"]) + timedelta(minutes=1)
    step = (end - begin) / min(_COLUMNS, max(2, round((end - begin).total_seconds() / 60)))
    count = round((end - begin) / step)
    points: list[dict[str, Any]] = [
        {"time": (begin + step * place).strftime("%Y-%m-%dT%H:%M:%SZ"), "tokens": 0, "cost": 0.0, "errors": 0}
        for place in range(count)
    ]
    for minute in minutes:
        point = points[min(int((instant(minute["minute"]) - begin) / step), count - 1)]
        point["tokens"] += minute["total_tokens"]
        point["cost"] += minute["cost"]
        point["errors"] += minute["error_count"]
    totals = {name: sum(point[name] for point in points) for name in ("tokens", "cost", "errors")}
    titles = (("tokens", "Tokens", "compact"), ("cost", "Cost", "money"), ("errors", "Errors", "compact"))
    return [drawing.chart(points, *title, total=totals[title[0]]) for title in titles if totals[title[0]]]

"""Two sessions, or the sessions of two queries, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from otel_sessions.errors import QueryError
from otel_sessions.extensions.web.api import questions, sessions
from otel_sessions.extensions.web.api.parameters import PagedTexts
from otel_sessions.extensions.web.pages.format import compact, duration, money, number
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.problems import NotFound

_FIELDS: Final = ("model", "user", "service", "environment", "tag", "tool", "agent", "label")
_VALUES: Final = 50
_SHOWN: Final = 25
_TURNS: Final = 50


def show(visit: Visit) -> Shown:
    """`/compare` with `a` and `b`, or `query_a` and `query_b`."""
    values: dict[str, Any] = {
        "section": "/sessions",
        "problem": "",
        "sides": [],
        "names": [],
        "turns": [],
        "differences": None,
        **{name: visit.get(name) for name in ("a", "b", "query_a", "query_b")},
    }
    try:
        if visit.get("a") and visit.get("b"):
            values.update(_sessions(visit, [visit.get("a"), visit.get("b")]))
        elif visit.get("query_a") or visit.get("query_b"):
            values.update(_selections(visit, [visit.get("query_a"), visit.get("query_b")]))
    except (QueryError, NotFound) as error:
        values["problem"] = str(error)
    return Shown("compare.html", values, status=400 if values["problem"] else 200)


def _sessions(visit: Visit, ids: Sequence[str]) -> dict[str, Any]:
    sides, turns = [], []
    for id_ in ids:
        one = visit.read(sessions.one, sessions.One, {"preview": 400}, ids={"session_id": id_})
        wanted = {"limit": _TURNS, "preview": 400}
        turns.append(visit.read(sessions.traces, PagedTexts, wanted, ids={"session_id": id_})["traces"])
        figures = {
            "Turns": number(one["trace_count"]),
            "Duration": duration(one["duration_ns"]),
            "Errors": number(one["error_count"]),
            "Model calls": number(one["model_calls"]),
            "Tool calls": number(one["tool_calls"]),
            "Tokens in": number(one["input_tokens"]),
            "Tokens out": number(one["output_tokens"]),
            "Cost": money(one["cost"]),
            "Longest gap": duration(one["longest_gap_ns"]),
            "Models": ", ".join(one["models"]),
            "Users": ", ".join(one["user_ids"]),
            "Last error": one["last_error"][:200],
        }
        sides.append({"title": id_, "link": visit.session_url(id_), "figures": figures})
    return {"sides": sides, "names": list(sides[0]["figures"]), "turns": turns}


def _selections(visit: Visit, queries: Sequence[str]) -> dict[str, Any]:
    sides, counts = [], []
    for query in queries:
        series = "sessions,traces,errors,tokens,cost,duration_p50_ns,duration_p95_ns"
        wanted = {"query": query, "interval": "all", "series": series}
        groups = visit.read(questions.measure, questions.Metrics, wanted)["groups"]
        total: Mapping[str, Any] = groups[0]["total"] if groups else {}
        many = max(int(total.get("sessions", 0)), 1)
        counts.append(int(total.get("sessions", 0)))
        figures = {
            "Sessions": number(total.get("sessions", 0)),
            "Turns a session": f"{total.get('traces', 0) / many:.1f}",
            "Errors a session": f"{total.get('errors', 0) / many:.2f}",
            "Tokens a session": compact(total.get("tokens", 0) / many),
            "Cost a session": money(total.get("cost", 0) / many),
            "Turn p50": duration(total.get("duration_p50_ns", 0)),
            "Turn p95": duration(total.get("duration_p95_ns", 0)),
        }
        link = f"{visit.base}/sessions?{urlencode({'query': query})}"
        sides.append({"title": query or "all sessions", "link": link, "figures": figures})
    return {"sides": sides, "names": list(sides[0]["figures"]), "differences": _differences(visit, queries, counts)}


def _differences(visit: Visit, queries: Sequence[str], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Values that one side has in a greater share of its sessions than the other, by how much."""
    if not all(counts):
        return []
    found: list[tuple[float, dict[str, Any]]] = []
    for field in _FIELDS:
        shares: list[dict[str, int]] = []
        for query in queries:
            wanted = {"field": field, "query": query, "limit": _VALUES}
            values = visit.read(questions.facet, questions.Facets, wanted)["values"]
            shares.append({value["value"]: value["count"] for value in values})
        for value in {*shares[0], *shares[1]}:
            both = [share.get(value, 0) for share in shares]
            apart = abs(both[0] / counts[0] - both[1] / counts[1])
            if apart >= 0.05:
                said = [f"{count:,} ({count / all_:.0%})" for count, all_ in zip(both, counts, strict=True)]
                found.append((apart, {"field": field, "value": value, "a": said[0], "b": said[1]}))
    found.sort(key=lambda each: (-each[0], each[1]["field"], each[1]["value"]))
    return [row for _, row in found[:_SHOWN]]

"""One session: its figures, the replay of its turns, the waterfall of their spans, and one span in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from otel_sessions.errors import QueryError
from otel_sessions.extensions.web.api import questions, sessions
from otel_sessions.extensions.web.api.parameters import Listed, Paged, PagedTexts
from otel_sessions.extensions.web.pages import charts as drawing
from otel_sessions.extensions.web.pages import replay
from otel_sessions.extensions.web.pages.format import instant, part, quoted
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.pages.waterfall import waterfall
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import additions, detail, score_configs, shapes
from otel_sessions.queries.rows import as_json

TURNS: Final = 20
"""Turns a page."""
BARS: Final = 400
"""Spans that a waterfall draws."""
EXPORTS: Final = (
    ("md", "Transcript (Markdown)"), ("messages", "Chat messages (JSON Lines)"), ("jsonl", "Spans (JSON Lines)"),
    ("csv", "Spans (CSV)"), ("parquet", "Spans (Parquet)"),
)  # fmt: skip
KINDS: Final = ("model", "embedding", "tool", "agent", "retrieval", "guardrail", "evaluation", "chain", "other")
_COLUMNS: Final = 90
_TEXT: Final = 40_000
"""Characters of a text that a page holds; all of it is in the export."""


def show(visit: Visit) -> Shown:
    """`/sessions/{session_id}`; with `fragment` only its turns, its charts or the span that is open."""
    match visit.get("fragment"):
        case "turns":
            return Shown("turns.html", _replay(visit))
        case "span":
            return Shown("span.html", {**_links(visit), **_opened(visit)})
        case "charts":
            return Shown("charts.html", _drawn(visit))
    return Shown("session.html", {"section": "/sessions", **_whole(visit)})


def public(visit: Visit) -> Shown:
    """A published session: nothing that people added, and no way out of it; by parts as `show`."""
    closed: dict[str, Any] = {
        "queue": None,
        "url": visit.path,
        "api": "",
        "raw_link": "",
        "shared": True,
        "scores": [],
        "comments": [],
    }
    if visit.get("fragment"):
        part = show(visit)
        return Shown(part.template, {**part.values, **closed})
    return Shown("shared.html", {**_whole(visit), **closed})


def _queue(visit: Visit, session: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where a reader who goes through the sessions of a query goes on: to the next before this one without a score."""
    queue = visit.get("queue")
    if not queue:
        return None
    query = f"({queue}) -has:score last_activity<{quoted(session['end_time'])}"
    try:
        found = visit.read(sessions.list_, Listed, {"query": query, "limit": 1, "fields": "core"})["sessions"]
    except QueryError:
        return None
    kept = urlencode({"queue": queue})
    return {
        "query": queue,
        "next": f"{visit.session_url(found[0]['session_id'])}?{kept}" if found else None,
        "all": f"{visit.base}/sessions?{urlencode({'query': queue})}",
    }


def _whole(visit: Visit) -> dict[str, Any]:
    session = visit.read(sessions.one, sessions.One, {"preview": _TEXT})
    shown = _replay(visit, session["scores"])
    place = {"project": visit.call.project, "session_id": visit.session_id}
    comments = [as_json(row) for row in additions.list_comments(visit.client, **place, limit=500).rows]
    _put_comments(shown["turns"], comments)
    configs = score_configs.list_configs(visit.client, project=visit.call.project, limit=1000).rows
    return {
        **_links(visit),
        **shown,
        **_opened(visit),
        "session": session,
        "queue": _queue(visit, session),
        "sharing": visit.call.config.sharing,
        "share_options": True,
        "exports": EXPORTS,
        "shown_metadata": [(key, value) for key, value in session["metadata"].items() if len(value) <= 60][:4],
        "error_link": _first_error(shown["turns"]) or visit.with_query(show="tools", turn=None),
        "charts_link": visit.with_query(fragment="charts", span=None, turn=None),
        "presets": [(name, title, visit.with_query(show=name)) for name, title in replay.PRESETS],
        "last_turn": "",
        "fragment": visit.with_query(fragment="turns"),
        "fall": waterfall(shown["bars"][:BARS]),
        "more_spans": len(shown["bars"]) > BARS,
        "kinds": [kind for kind in KINDS if any(bar["step_kind"] == kind for bar in shown["bars"])],
        "scores": session["scores"],
        "score_configs": [one for one in configs if not one["is_archived"]],
        "comments": comments,
    }


def _drawn(visit: Visit) -> dict[str, Any]:
    """What a session's page shows of its course and its models; figures that may take longer than the page itself."""
    return {"charts": _charts(visit), "chart_links": ["#turns"] * _COLUMNS, "found": "", **_figures(visit)}


def raw_span(visit: Visit) -> Shown:
    """`/sessions/{session_id}/span`: the open span as JSON, for reading."""
    return Shown("raw.html", {**_links(visit), **_opened(visit), "section": "/sessions"})


def _links(visit: Visit) -> dict[str, Any]:
    url = visit.session_url(visit.session_id)
    return {
        "url": url,
        "api": f"{visit.base}/api/v1/sessions/{part(visit.session_id)}",
        "span_link": lambda trace, span: visit.with_query(span=f"{trace}.{span}", fragment=None),
        "close_link": visit.with_query(span=None, fragment=None),
        "raw_link": f"{url}/span?span={visit.get('span')}",
    }


def _replay(visit: Visit, scores: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """One page of turns and the bars of their spans."""
    preset = visit.get("show") if visit.get("show") in dict(replay.PRESETS) else "conversation"
    wanted = {"limit": TURNS, "cursor": visit.get("turn"), "preview": _TEXT}
    payload = visit.read(sessions.turns, PagedTexts, wanted)
    before = int(visit.get("before")) if visit.get("before").isdecimal() else 0
    numbers: dict[str, int] = {turn["trace_id"]: before + place for place, turn in enumerate(payload["turns"], 1)}
    cards = replay.cards(payload, preset)
    if scores is None:
        place = {"project": visit.call.project, "session_id": visit.session_id}
        scores = [as_json(row) for row in additions.list_scores(visit.client, **place, limit=1000).rows]
    thumbs = {score["trace_id"]: score["value"] for score in scores if score["name"] == "thumbs"}
    for card in cards:
        value = thumbs.get(card["trace_id"])
        card.update(number=numbers[card["trace_id"]], thumbs=None if value is None else int(bool(value)), comments=[])
    cursor = payload["next_cursor"]
    last = before + len(payload["turns"])
    rows = detail.list_bars(
        visit.client,
        project=visit.call.project,
        session_id=visit.session_id,
        traces=list(numbers),
        limit=BARS + 1,
    )
    return {
        **_links(visit),
        "page": before,
        "preset": preset,
        "turns": cards,
        "bars": [as_json(row) for row in rows],
        "idle_from_ns": replay.IDLE_FROM_NS,
        "next_turns": visit.with_query(turn=cursor, before=str(last), fragment=None) if cursor else None,
    }


def _put_comments(cards: Sequence[dict[str, Any]], comments: Sequence[Mapping[str, Any]]) -> None:
    by_turn = {card["trace_id"]: card for card in cards}
    for comment in comments:
        if comment["trace_id"] in by_turn:
            by_turn[comment["trace_id"]]["comments"].append(comment)


def _opened(visit: Visit) -> dict[str, Any]:
    """The span that the address names, in full. Raises `NotFound`."""
    trace_id, _, span_id = visit.get("span").partition(".")
    if not span_id:
        return {"opened": None, "opened_id": "", "as_sql": "", "raw": ""}
    row = detail.get_span(
        visit.client,
        project=visit.call.project,
        session_id=visit.session_id,
        trace_id=trace_id,
        span_id=span_id,
    )
    if row is None:
        raise NotFound("this session has no such span")
    span = visit.call.hidden.span(shapes.turn(row))
    as_sql = f"SELECT * FROM session_spans WHERE TraceId = '{row['TraceId']}' AND SpanId = '{span_id}'"  # noqa: S608 - a text to copy; ids are hex
    raw = orjson.dumps(span, option=orjson.OPT_INDENT_2).decode()
    return {"opened": span, "opened_id": span_id, "as_sql": as_sql, "raw": raw}


def _figures(visit: Visit) -> dict[str, Any]:
    """Percentiles of the turns, and tokens and cost by model."""
    only = {"query": f"id:{quoted(visit.session_id)}", "interval": "all"}
    times = visit.read(questions.measure, questions.Metrics, {**only, "series": "duration_p50_ns,duration_p95_ns"})
    total = times["groups"][0]["total"] if times["groups"] else {}
    by_model = {**only, "series": "cost,tokens", "group_by": "model", "top": 4}
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
    shown = [
        drawing.chart(points, "tokens", "Tokens", "compact", total=sum(point["tokens"] for point in points)),
        drawing.chart(points, "cost", "Cost", "money", total=sum(point["cost"] for point in points)),
    ]
    errors = sum(point["errors"] for point in points)
    return [*shown, drawing.chart(points, "errors", "Errors", "compact", total=errors)] if errors else shown


def _first_error(cards: Sequence[Mapping[str, Any]]) -> str:
    for card in cards:
        for item in card["shown"]:
            if item["kind"] == "step" and item["step"]["status"] == "error":
                return f"#span-{item['step']['span_id']}"
    return next((f"#turn-{card['trace_id']}" for card in cards if card["error_count"]), "")

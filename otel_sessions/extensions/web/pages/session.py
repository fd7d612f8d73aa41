# SPDX-License-Identifier: Apache-2.0
"""One session: its figures, the replay of its turns, the waterfall of their spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from otel_sessions.extensions.web.api import sessions
from otel_sessions.extensions.web.api.parameters import PagedTexts
from otel_sessions.extensions.web.pages import course, replay, review, span
from otel_sessions.extensions.web.pages.links import links
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.pages.waterfall import view, waterfall
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import additions, detail
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
VIEWS: Final = (*replay.PRESETS, ("outline", "Outline"), ("waterfall", "Waterfall"))
"""What the page shows beside the figures, the first by default."""
_OUTLINED: Final = 500
_HEADS: Final = (
    ("number", "Turn"), ("duration", "Duration"), ("tokens", "Tokens"), ("cost", "Cost"), ("errors", "Errors"),
)  # fmt: skip
_TEXT: Final = 16_000
"""Characters of JSON that a page shows as a tree; of other texts it shows less (`parts.html`), with a link to all."""


def show(visit: Visit) -> Shown:
    """`/sessions/{session_id}`; with `fragment` only its turns, its charts or the span that is open."""
    match visit.get("fragment"):
        case "turns":
            shown = _replay(visit)
            _put_comments(shown["turns"], _comments(visit))
            return Shown("turns.html", shown)
        case "waterfall":
            return Shown("waterfall.html", {**_fall(visit, _replay(visit)["bars"]), **links(visit), "opened_id": ""})
        case "span":
            return Shown("span.html", {**links(visit), **span.opened(visit), **review.of_span(visit)})
        case "text":
            return span.text(visit)
        case "charts":
            return Shown("charts.html", course.drawn(visit))
    return Shown("session.html", {"section": "/sessions", **_whole(visit)})


def public(visit: Visit) -> Shown:
    """A published session: nothing that people added, and no way out of it; by parts as `show`."""
    closed: dict[str, Any] = {
        "queue": None,
        "judged": [],
        "judged_span": [],
        "url": visit.path,
        "api": "",
        "raw_link": "",
        "shared": True,
        "scores": [],
        "comments": [],
        "chain": None,
    }
    if visit.get("fragment"):
        part = show(visit)
        return replace(part, values={**part.values, **closed})
    return Shown("shared.html", {**_whole(visit), **closed})


def _whole(visit: Visit) -> dict[str, Any]:
    session = visit.read(sessions.one, sessions.One, {"preview": _TEXT})
    shown = _replay(visit, session["scores"])
    comments = _comments(visit)
    _put_comments(shown["turns"], comments)
    configs = review.configs(visit)
    return {
        **links(visit),
        **shown,
        **span.opened(visit),
        **review.of_span(visit),
        "session": session,
        "chain": _chain(visit, session),
        "queue": review.queue(visit, session),
        "judged": review.judged(configs, session["scores"]),
        "sharing": visit.call.config.sharing,
        "share_options": True,
        "exports": EXPORTS,
        "shown_metadata": [(key, value) for key, value in session["metadata"].items() if len(value) <= 60][:4],
        "error_link": _first_error(shown["turns"]) or visit.with_query(at="error", turn=None, show=None),
        **course.expected(visit, session),
        "views": [(name, title, visit.with_query(show=name, sort=None, zoom=None)) for name, title in VIEWS],
        "outline_links": {
            name: visit.with_query(show="outline", sort=name, at=None, turn=None, zoom=None) for name in detail.OUTLINED
        },
        "outline": _outline(visit) if shown["view_name"] == "outline" else None,
        "last_turn": "",
        "fragment": visit.with_query(fragment="turns"),
        **_fall(visit, shown["bars"]),
        "scores": session["scores"],
        "score_configs": configs,
        "comments": comments,
    }


def _chain(visit: Visit, session: Mapping[str, Any]) -> dict[str, Any] | None:
    """The sessions before and after this one that are there to go to; None without any."""
    previous = session["previous_session_id"]
    if previous and not detail.has_session(visit.client, project=visit.call.project, session_id=previous):
        previous = None
    following = session["next_session_ids"]
    return {"previous": previous, "next": following} if previous or following else None


def _fall(visit: Visit, bars: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The waterfall of the turns on a page, and the part of it that the address names."""
    fall = waterfall(bars[:BARS])
    return {
        "fall": fall,
        "view": view(fall, visit.get("zoom")),
        "zoom_link": lambda part: visit.with_query(zoom=part, fragment=None),
        "more_spans": len(bars) > BARS,
        "kinds": [kind for kind in KINDS if any(bar["step_kind"] == kind for bar in bars)],
    }


def _comments(visit: Visit) -> list[dict[str, Any]]:
    place = {"project": visit.call.project, "session_id": visit.session_id}
    return [as_json(row) for row in additions.list_comments(visit.client, **place, limit=500).rows]


def _replay(visit: Visit, scores: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """One page of turns and the bars of their spans."""
    name = visit.get("show") if visit.get("show") in dict(VIEWS) else VIEWS[0][0]
    preset = name if name in dict(replay.PRESETS) else VIEWS[0][0]
    cursor, before = _place(visit)
    payload = visit.read(sessions.turns, PagedTexts, {"limit": TURNS, "cursor": cursor, "preview": _TEXT})
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
        **links(visit),
        "page": before,
        "view_name": name,
        "first_turns": visit.with_query(at=None, turn=None, before=None, fragment=None) if before else None,
        "turns": cards,
        "bars": [as_json(row) for row in rows],
        "idle_from_ns": replay.IDLE_FROM_NS,
        "next_turns": visit.with_query(turn=cursor, before=str(last), at=None, fragment=None) if cursor else None,
    }


def _place(visit: Visit) -> tuple[str, int]:
    """The cursor of the page of turns that the address asks for, and how many turns are before it.

    `at` names a turn by its trace, or as `error` the one that failed last. Raises `NotFound`.
    """
    if not (at := visit.get("at")):
        return visit.get("turn"), int(visit.get("before")) if visit.get("before").isdecimal() else 0
    found = detail.place_of_turn(
        visit.client,
        project=visit.call.project,
        session_id=visit.session_id,
        trace_id="" if at == "error" else at,
    )
    if found is None:
        raise NotFound("this session has no such turn")
    return found if found[1] else ("", 0)


def _outline(visit: Visit) -> dict[str, Any]:
    """Every turn as a line, in the order that the address asks for."""
    sort = visit.get("sort") if visit.get("sort") in detail.OUTLINED else "number"
    rows = detail.outline(
        visit.client, project=visit.call.project, session_id=visit.session_id, sort=sort, limit=_OUTLINED
    )
    turns = [
        {
            **visit.call.hidden.session(as_json(row)),
            "link": visit.with_query(at=row["TraceId"], show=None, sort=None, turn=None, before=None),
        }
        for row in rows
    ]
    heads = [(name, title, visit.with_query(sort=name)) for name, title in _HEADS]
    return {"turns": turns, "sort": sort, "heads": heads, "most": max((turn["cost"] for turn in turns), default=0)}


def _put_comments(cards: Sequence[dict[str, Any]], comments: Sequence[Mapping[str, Any]]) -> None:
    by_turn = {card["trace_id"]: card for card in cards}
    for comment in comments:
        if comment["trace_id"] in by_turn:
            by_turn[comment["trace_id"]]["comments"].append(comment)


def _first_error(cards: Sequence[Mapping[str, Any]]) -> str:
    for card in cards:
        for item in card["shown"]:
            if item["kind"] == "step" and item["step"]["status"] == "error":
                return f"#span-{item['step']['span_id']}"
    return next((f"#turn-{card['trace_id']}" for card in cards if card["error_count"]), "")

# SPDX-License-Identifier: Apache-2.0
"""One session: its figures, the replay of its turns, the waterfall of their spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from otel_sessions.extensions.web.api import sessions
from otel_sessions.extensions.web.api.parameters import PagedTexts
from otel_sessions.extensions.web.pages import replay, review, session_charts, span
from otel_sessions.extensions.web.pages.visit import Page, Shown, Visit
from otel_sessions.extensions.web.pages.waterfall import view, waterfall
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import additions, detail
from otel_sessions.queries import replay as queries
from otel_sessions.queries.rows import Row, as_json

T = TypeVar("T")
TURNS: Final = 20
"""How many turns a page has."""
BARS: Final = 400
"""How many spans a waterfall draws at most."""
EXPORTS: Final = (
    ("md", "Transcript (Markdown)"), ("messages", "Chat messages (JSON Lines)"), ("jsonl", "Spans (JSON Lines)"),
    ("csv", "Spans (CSV)"), ("parquet", "Spans (Parquet)"),
)  # fmt: skip
KINDS: Final = ("model", "embedding", "tool", "agent", "retrieval", "guardrail", "evaluation", "chain", "other")
VIEWS: Final = (*replay.PRESETS, ("outline", "Outline"), ("waterfall", "Waterfall"))
"""What the page shows beside the figures, the first by default."""
_OUTLINED: Final = 500
_LAST_ERROR: Final = "error"
"""What `at` in the address says in place of a trace, for the turn of the last error."""
_HEADS: Final = (
    ("number", "Turn"), ("duration", "Duration"), ("tokens", "Tokens"), ("cost", "Cost"), ("errors", "Errors"),
)  # fmt: skip
_TEXT: Final = 16_000
"""Characters of JSON that a page shows as a tree; of other texts it shows less (`parts.html`), with a link to all."""


def show(visit: Visit) -> Shown:
    """`/sessions/{session_id}`; with `fragment` only its turns, its figures, its charts or the span that is open."""
    return _fragment(visit, {}) or _begun(visit, {}, "session.html", {})


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
        "may_add": False,
        "may_delete": False,
        "scores": [],
        "comments": [],
        "chain": None,
    }
    nothing_added: dict[str, Any] = {_added.__name__: ([], [])}
    part = _fragment(visit, nothing_added)
    if part:
        return replace(part, values={**part.values, **closed})
    return _begun(visit, nothing_added, "shared.html", closed)


def _fragment(visit: Visit, known: dict[str, Any]) -> Shown | None:
    makes: dict[str, Callable[[], Shown]] = {
        "turns": lambda: Shown("turns.html", _turns(visit, known)),
        "waterfall": lambda: Shown(
            "waterfall.html", {**_drawn_fall(visit, known), **span.links(visit), "opened_id": ""}
        ),
        "span": lambda: Shown("span.html", {**span.links(visit), **span.opened(visit), **review.of_span(visit)}),
        "text": lambda: span.text(visit),
        "figures": lambda: Shown("figures.html", _head(visit, known, VIEWS[0][0])),
        "charts": lambda: Shown("charts.html", session_charts.drawn(visit)),
    }
    make = makes.get(visit.get("fragment"))
    return make() if make else None


def _begun(visit: Visit, known: dict[str, Any], template: str, less: Mapping[str, Any]) -> Shown:
    """The page up to what names the session, once it is known that it is there; `less` replaces values of all parts.

    Raises `NotFound` for a session, a turn or a span that is not, and `CursorError`.
    """
    sessions.check_session(visit.client, **visit.of_session)
    at = visit.get("at")
    if at and at != _LAST_ERROR and not detail.has_turn(visit.client, **visit.of_session, trace_id=at):
        raise NotFound("this session has no such turn")
    if visit.get("turn") and not at:
        queries.check_cursor(**visit.of_session, cursor=visit.get("turn"))
    known.update(opened=span.opened(visit))
    name = visit.get("show") if visit.get("show") in dict(VIEWS) else VIEWS[0][0]
    pieces: dict[str, Piece] = {"failure": _failure, "replay": partial(_main, name), "beside": _beside}
    if visit.get("queue"):
        pieces["review"] = _review

    def piece(make: Piece) -> Page:
        def made(visit: Visit) -> Shown:
            shown = make(visit, known)
            return replace(shown, values={**span.links(visit), "view_name": name, **shown.values, **less})

        return made

    def page(visit: Visit) -> Shown:
        values = {"section": "/sessions", **span.links(visit), **_head(visit, known, name), **less}
        if at == _LAST_ERROR and not known["session"]["error_count"]:
            values["flash"] = "Nothing failed in this session: this is where it begins."
        shown = pieces if known["session"]["error_count"] else {n: make for n, make in pieces.items() if n != "failure"}
        return Shown(template, values, later={each: piece(make) for each, make in shown.items()})

    return Shown("opening.html", {}, later={"page": page})


Piece = Callable[[Visit, dict[str, Any]], Shown]
"""Makes a piece of a session's page out of what pieces before have found out, and adds to that."""


def _head(visit: Visit, known: dict[str, Any], name: str) -> dict[str, Any]:
    """What stands above the replay: the session and its figures, and what can be done with it."""
    session = visit.read(sessions.one, sessions.One, {"fields": "core,usage,io,metadata", "preview": _TEXT})
    known["session"] = session
    previous, following = session["previous_session_id"], session["next_session_ids"]
    if previous and not detail.has_session(visit.client, project=visit.call.project, session_id=previous):
        previous = None
    came_from = urlsplit(visit.call.headers.get("referer", ""))
    is_from_list = came_from.path == f"{visit.base}/sessions" and came_from.query
    outlines = {
        name: visit.with_query(show="outline", sort=name, at=None, turn=None, zoom=None, fragment=None)
        for name in detail.OUTLINED
    }
    return {
        "session": session,
        "chain": {"previous": previous, "next": following} if previous or following else None,
        "list_before": f"{came_from.path}?{came_from.query}" if is_from_list else "",
        "sharing": visit.call.config.sharing,
        "share_options": True,
        "exports": EXPORTS,
        "shown_metadata": [(key, value) for key, value in session["metadata"].items() if len(value) <= 60][:4],
        "view_name": name,
        "views": [(name, title, visit.with_query(show=name, sort=None, zoom=None)) for name, title in VIEWS],
        "outline_links": outlines,
        "percentiles": _drawn(visit, known)["percentiles"],
    }


def _failure(visit: Visit, known: dict[str, Any]) -> Shown:
    """What failed last, with its message and a link to it."""
    row = _failed_last(visit, known)
    if row is None:
        return Shown("failure.html", {"failure": None})
    place = visit.with_query(at=row["TraceId"], turn=None, before=None, show=None, span=None)
    name, link = row["StepName"] or row["SpanName"], f"{place}#span-{row['SpanId']}"
    return Shown("failure.html", {"failure": {"name": name, "message": row["Message"], "link": link}})


def _once(find: Callable[[Visit, dict[str, Any]], T]) -> Callable[[Visit, dict[str, Any]], T]:
    """Finds something out once for all pieces of a page: `known` keeps it, under the name of the function."""

    @wraps(find)
    def found(visit: Visit, known: dict[str, Any]) -> T:
        if find.__name__ not in known:
            known[find.__name__] = find(visit, known)
        return cast("T", known[find.__name__])

    return found


@_once
def _failed_last(visit: Visit, _: dict[str, Any]) -> Row | None:
    return detail.last_failure(visit.client, **visit.of_session)


@_once
def _drawn(visit: Visit, known: dict[str, Any]) -> dict[str, Any]:
    return session_charts.expected(visit, known["session"])


def _main(name: str, visit: Visit, known: dict[str, Any]) -> Shown:
    """What a view shows in the middle of the page."""
    match name:
        case "outline":
            return Shown("outline.html", {"outline": _outline(visit)})
        case "waterfall":
            return Shown("waterfall.html", {**_drawn_fall(visit, known), **known["opened"]})
    sampled_out = detail.is_sampled_out(visit.client, **visit.of_session)
    more = {"sampled_out": sampled_out, "fragment": visit.with_query(fragment="turns")}
    return Shown("replay.html", {**_turns(visit, known), **more})


def _beside(visit: Visit, known: dict[str, Any]) -> Shown:
    """What stands beside the replay: the span that is open, charts, the waterfall, scores and comments."""
    scores, comments = _added(visit, known)
    return Shown(
        "beside.html",
        {
            **known["opened"],
            **review.of_span(visit),
            **_drawn(visit, known),
            **(_fall(visit, [], []) if visit.get("show") == "waterfall" else _drawn_fall(visit, known)),
            "queue": visit.get("queue") or None,
            "score_configs": (configs := review.configs(visit)),
            "judged": review.judged(configs, scores),
            "scores": scores,
            "comments": comments,
        },
    )


def _review(visit: Visit, known: dict[str, Any]) -> Shown:
    return Shown("review.html", {"queue": review.queue(visit, known["session"])})


def _drawn_fall(visit: Visit, known: dict[str, Any]) -> dict[str, Any]:
    """The waterfall of the turns on the page; one span more is read than is drawn, so that it can say so."""
    traces = [turn["trace_id"] for turn in _payload(visit, known)["turns"]]
    rows = detail.list_bars(visit.client, **visit.of_session, traces=traces, limit=BARS + 1)
    return _fall(visit, [as_json(row) for row in rows], _begun_parts(visit, known))


def _fall(visit: Visit, bars: Sequence[Mapping[str, Any]], begun: Sequence[session_charts.Part]) -> dict[str, Any]:
    """The waterfall of the turns on a page, the stretch of it that the address names, and where parts begin."""
    fall = waterfall(bars[:BARS])
    return {
        "begun_parts": {part["first_trace_id"]: part for part in begun},
        "fall": fall,
        "view": view(fall, visit.get("zoom")),
        "zoom_link": lambda part: visit.with_query(zoom=part, fragment=None),
        "more_spans": len(bars) > BARS,
        "kinds": [kind for kind in KINDS if any(bar["step_kind"] == kind for bar in bars)],
    }


@_once
def _added(visit: Visit, _: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The scores of the session, the last first, and its comments."""
    scores = [as_json(row) for row in additions.list_scores(visit.client, **visit.of_session, limit=1000).rows]
    scores.sort(key=lambda score: str(score["timestamp"]), reverse=True)
    comments = [as_json(row) for row in additions.list_comments(visit.client, **visit.of_session, limit=500).rows]
    return scores, comments


@_once
def _payload(visit: Visit, known: dict[str, Any]) -> dict[str, Any]:
    """The page of turns that the address asks for, as REST has it."""
    wanted = {"limit": TURNS, "cursor": _place(visit, known)[0], "preview": _TEXT}
    return cast("dict[str, Any]", visit.read(sessions.turns, PagedTexts, wanted))


@_once
def _begun_parts(visit: Visit, known: dict[str, Any]) -> list[session_charts.Part]:
    """The parts of the session that begin on the page."""
    return session_charts.parts_beginning(visit, [turn["trace_id"] for turn in _payload(visit, known)["turns"]])


def _turns(visit: Visit, known: dict[str, Any]) -> dict[str, Any]:
    """One page of turns as cards, with the thumbs and comments of each."""
    name = visit.get("show") if visit.get("show") in dict(replay.PRESETS) else VIEWS[0][0]
    payload = _payload(visit, known)
    before = _place(visit, known)[1]
    numbers: dict[str, int] = {turn["trace_id"]: before + place for place, turn in enumerate(payload["turns"], 1)}
    cards = replay.cards(payload, name)
    scores, comments = _added(visit, known)
    thumbs = {score["trace_id"]: score["value"] for score in scores if score["name"] == "thumbs"}
    for card in cards:
        value = thumbs.get(card["trace_id"])
        card.update(number=numbers[card["trace_id"]], thumbs=None if value is None else int(bool(value)))
        card["comments"] = [comment for comment in comments if comment["trace_id"] == card["trace_id"]]
    session_charts.put_parts(cards, _begun_parts(visit, known), numbers)
    cursor = payload["next_cursor"]
    last = before + len(payload["turns"])
    return {
        **span.links(visit),
        "page": before,
        "first_turns": visit.with_query(at=None, turn=None, before=None, fragment=None) if before else None,
        "turns": cards,
        "idle_from_ns": replay.IDLE_FROM_NS,
        "next_turns": visit.with_query(turn=cursor, before=str(last), at=None, fragment=None) if cursor else None,
    }


@_once
def _place(visit: Visit, known: dict[str, Any]) -> tuple[str, int]:
    """The cursor of the page of turns that the address asks for, and how many turns are before it.

    `at` names a turn by its trace, or as `error` that of the last error. Without such a turn it is the first page.
    """
    if not (at := visit.get("at")):
        return visit.get("turn"), int(visit.get("before")) if visit.get("before").isdecimal() else 0
    if at == _LAST_ERROR:
        failed = _failed_last(visit, known)
        at = failed["TraceId"] if failed else ""
    found = detail.place_of_turn(visit.client, **visit.of_session, trace_id=at)
    return found if found and found[1] else ("", 0)


def _outline(visit: Visit) -> dict[str, Any]:
    """Every turn as a line, in the order that the address asks for."""
    sort = visit.get("sort") if visit.get("sort") in detail.OUTLINED else "number"
    rows = detail.outline(visit.client, **visit.of_session, sort=sort, limit=_OUTLINED)
    turns = [
        {
            **visit.call.hidden.session(as_json(row)),
            "link": visit.with_query(at=row["TraceId"], show=None, sort=None, turn=None, before=None),
        }
        for row in rows
    ]
    heads = [(name, title, visit.with_query(sort=name)) for name, title in _HEADS]
    return {"turns": turns, "sort": sort, "heads": heads, "most": max((turn["cost"] for turn in turns), default=0)}

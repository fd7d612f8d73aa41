# SPDX-License-Identifier: Apache-2.0
"""`/sessions`: the list of sessions with its search, chips, charts and table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from otel_sessions.errors import QueryError
from otel_sessions.extensions.web.api import additions, questions, sessions
from otel_sessions.extensions.web.api.parameters import Listed
from otel_sessions.extensions.web.pages import charts as drawing
from otel_sessions.extensions.web.pages.chips import chips
from otel_sessions.extensions.web.pages.format import instant, quoted, window_start
from otel_sessions.extensions.web.pages.session_charts import NOTHING_DRAWN
from otel_sessions.extensions.web.pages.visit import Page, Shown, Visit
from otel_sessions.queries import deletions, listing, scores
from otel_sessions.queries.language import LanguageError
from otel_sessions.queries.listing import extent

WINDOWS: Final = (
    ("15m", "Last 15 minutes"), ("1h", "Last hour"), ("24h", "Last 24 hours"), ("7d", "Last 7 days"),
    ("30d", "Last 30 days"), ("all", "All time"),
)  # fmt: skip
LIMIT: Final = 50
_ORDERED: Final = (("sort", "last_activity"), ("order", "desc"), ("cursor", ""))
"""The order and place in a list, by the parameter of the address, and what each is where the address has none."""
_TITLES: Final[Mapping[str, str]] = {
    "last_activity": "Last activity", "start": "Start", "duration": "Duration", "traces": "Turns", "spans": "Spans",
    "errors": "Errors", "tokens": "Tokens", "cost": "Cost", "models": "Models", "services": "Services",
    "environments": "Environments", "tags": "Tags", "scores": "Scores",
}  # fmt: skip
_SORTED: Final = frozenset({"last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost"})
_NUMERIC: Final = frozenset({"duration", "traces", "spans", "errors", "tokens", "cost"})
_DEFAULT: Final = ("last_activity", "duration", "traces", "errors", "tokens", "cost", "models", "scores")
_FACETS: Final = ("user", "service", "environment", "model", "tag", "tool", "agent", "label")
CHARTS: Final = ("Sessions", "Errors", "Tokens", "Cost", "Turn p50, p95")
_LITTLE: Final = 0.25
"""Charts of which no more than this share has anything in it are drawn anew of that alone."""
_NAME: Final = re.compile(r"[\w.-]*")
_WORD: Final = re.compile(r"[^\s()]+|\S")
_TEXT: Final = 400
"""Characters of a first input that a row needs."""
_POINTS: Final = 400
"""The most intervals that a chart has."""


def show(visit: Visit) -> Shown:
    """`/sessions`; with `fragment` only its charts, which need not hold up the table.

    A query that is not of the language is shown with what is wrong, status 400, and no list.
    """
    if visit.get("fragment") == "charts":
        return Shown("charts.html", _drawn(visit, _asked(visit)[1]))
    return _list(visit)


def window_of(visit: Visit, default: str = "7d") -> tuple[str, datetime | None]:
    """The window of time that the address of a page names, and when it begins; None for all there is."""
    window = visit.get("window") if visit.get("window") in dict(WINDOWS) else default
    return window, window_start(window, visit.now)


def _asked(visit: Visit) -> tuple[str, dict[str, str]]:
    """The name of the window of time (`custom` for two times), and `query`, `from` and `to` as REST takes them."""
    window = visit.get("window") or ("custom" if visit.get("from") or visit.get("to") else "all")
    start = window_start(window, visit.now)
    from_ = start.isoformat() if start else visit.get("from")
    return window, {"query": visit.get("query"), "from": from_, "to": "" if start else visit.get("to")}


def _list(visit: Visit) -> Shown:
    """The page with its search, chips and columns; saved views, facets, charts and sessions follow as parts of it."""
    window, asked = _asked(visit)
    query = asked["query"]
    wanted = {
        **asked,
        **{name: visit.get(name, default) for name, default in _ORDERED},
        "limit": LIMIT,
        "fields": "core,usage,io,metadata,scores",
        "preview": _TEXT,
    }
    problem = _problem(visit, wanted)
    is_empty = not problem and not listing.is_any(visit.client, project=visit.call.project)
    columns = _columns(visit)
    later: dict[str, Page] = {"views": _views}
    if visit.get("facets") and not problem and not is_empty:
        later["facets"] = lambda visit: Shown("facets.html", {"facets": _facets(visit, asked, query)})
    if visit.get("charts") and not problem and not is_empty:
        later["charts"] = lambda visit: Shown("charts.html", _drawn(visit, asked))
    if not problem:
        later["list"] = lambda visit: _found(visit, wanted, window)
    return Shown(
        "sessions.html",
        {
            "section": "/sessions",
            "query": query,
            "window": window,
            "windows": [*([("custom", "From … to")] if window == "custom" else []), *WINDOWS],
            "kept": _kept(visit, {"sort", "order", "column", *({"from", "to"} if window == "custom" else ())}),
            "kept_all": _kept(visit, {"query", "window", "from", "to", "sort", "order"}),
            "problem": problem,
            "span_of_time": _span(visit, window),
            "chips": [] if problem else [_chip(visit, chip) for chip in chips(query)],
            "facets_link": visit.with_query(facets=None if visit.get("facets") else "1"),
            "opened_facets": "facets" in later,
            "all_columns": list(_TITLES.items()),
            "columns": columns,
            "metadata_columns": [column for column in columns if column.startswith("metadata.")],
            "chart_titles": CHARTS,
            "drawn": "charts" in later,
            "charts_link": "" if problem or is_empty else visit.with_query(fragment="charts", cursor=None),
            "drawn_link": visit.with_query(charts="1", cursor=None),
        },
        status=400 if problem else 200,
        later=later,
    )


def _problem(visit: Visit, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is wrong with a query, or with the place in its list, as `detail`; None where nothing is.

    `at` is the query in three pieces, the word at fault between what stands before and after it; `meant` has what may
    have been meant, with links.
    """
    given = {name: value for name, value in wanted.items() if value not in (None, "")}
    try:
        sessions.check_list(visit.call.project, Listed.model_validate(given), visit.call.now_ns)
    except LanguageError as error:
        query = visit.get("query")
        before, rest = query[: error.position], query[error.position :]
        word = (_WORD.match(rest) or [""])[0]
        after = rest[len(word) :]
        told = len((_NAME.match(word) or [""])[0])
        meant = [f"{near}{word[told:]}" for near in error.did_you_mean]
        links = [(text, visit.with_query(query=f"{before}{text}{after}", cursor=None)) for text in meant]
        return {"detail": str(error), "at": (before, word or "…", after), "meant": links}
    except QueryError as error:
        return {"detail": str(error), "at": None, "meant": []}
    return None


def _views(visit: Visit) -> Shown:
    """The saved views, and a form that saves this one."""
    asked = {
        "query": visit.get("query"),
        **{name: visit.get(name, default) for name, default in _ORDERED[:2]},
        "chosen_columns": ",".join(_columns(visit)) if visit.all("column") else "",
    }
    views = []
    for view in visit.read(additions.list_views)["views"]:
        columns = ",".join(view["columns"] or ())
        wanted = {"query": view["query"], "chosen_columns": columns}
        wanted |= {name: view[name] or default for name, default in _ORDERED[:2]}
        kept = {"query": view["query"], "sort": view["sort"], "order": view["order"], "column": columns}
        link = visit.with_query(**kept, cursor=None, facets=None)
        views.append({"name": view["name"], "link": link, "is_current": wanted == asked})
    current = next((view["name"] for view in views if view["is_current"]), "")
    return Shown("views.html", {**asked, "views": views, "current": current})


def _found(visit: Visit, wanted: Mapping[str, Any], window: str) -> Shown:
    """A page of the sessions themselves."""
    listed = visit.read(sessions.list_, Listed, wanted)
    found: Sequence[Mapping[str, Any]] = listed["sessions"]
    columns = _columns(visit)
    if not visit.all("column") and not any(session["scores"] for session in found):
        columns = [column for column in columns if column != "scores"]
    empty_store = not found and not visit.read(sessions.list_, Listed, {"limit": 1, "fields": "core"})["sessions"]
    cursor = listed["next_cursor"]
    sort, order = wanted["sort"], wanted["order"]
    return Shown(
        "found.html",
        {
            "sessions": found,
            "window": window,
            "columns": columns,
            "numeric": _NUMERIC,
            "deleting": deletions.recent(visit.client, project=visit.call.project, since_ns=visit.call.now_ns, limit=1),
            "review": _review(visit, wanted["query"], found),
            "newest": max((str(session["end_time"]) for session in found), default=""),
            "heads": [_head(visit, column, sort, order) for column in columns],
            "first_page": not visit.get("cursor"),
            "first": visit.with_query(cursor=None),
            "next": visit.with_query(cursor=cursor) if cursor else None,
            "limit": LIMIT,
            "empty_store": empty_store,
            "otlp": visit.otlp,
            "everything": visit.with_query(window="all", from_=None, to=None, cursor=None),
        },
    )


def _review(visit: Visit, query: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Where going through the sessions of a query one by one begins; empty where there is nothing to go through."""
    first = next((session for session in found if not session["scores"]), None)
    if first is None or not query:
        return ""
    return f"{visit.session_url(first['session_id'])}?{urlencode({'queue': query})}"


def _columns(visit: Visit) -> list[str]:
    """The columns that the address asks for, or those of everybody: scores only once there are any."""
    asked = [name.strip() for value in visit.all("column") for name in value.split(",")]
    known = [name for name in asked if name in _TITLES or (name.startswith("metadata.") and len(name) > 9)]
    if known:
        return list(dict.fromkeys(known))[:20]
    has_scores = scores.is_any(visit.client, project=visit.call.project)
    return [name for name in _DEFAULT if name != "scores" or has_scores]


def _kept(visit: Visit, names: set[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in visit.query if name in names and value]


def _head(visit: Visit, column: str, sort: str, order: str) -> dict[str, Any]:
    is_sorted = column == sort
    turned = "asc" if is_sorted and order == "desc" else "desc"
    return {
        "title": _TITLES.get(column, column.removeprefix("metadata.")),
        "number": column in _NUMERIC,
        "sorted": {"asc": "ascending", "desc": "descending"}.get(order) if is_sorted else None,
        "link": visit.with_query(sort=column, order=turned, cursor=None) if column in _SORTED else None,
    }


def _chip(visit: Visit, chip: Any) -> dict[str, Any]:
    return {
        "text": chip.text,
        "negated": chip.negated,
        "without": visit.with_query(query=chip.rest, cursor=None),
    }


def _span(visit: Visit, window: str) -> dict[str, str] | None:
    if window == "all":
        return None
    text = dict(WINDOWS).get(window, "")
    if not text:
        text = " to ".join(visit.get(name)[:16].replace("T", " ") or "…" for name in ("from", "to"))
    return {"text": text, "without": visit.with_query(window=None, from_=None, to=None, cursor=None)}


def _facets(visit: Visit, asked: Mapping[str, str], query: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """The commonest values of each field, with the query that adds them."""
    found = []
    for field in _FACETS:
        values = visit.read(questions.facet, questions.Facets, {**asked, "field": field, "limit": 10})["values"]
        shown = [
            {
                "value": value["value"],
                "count": value["count"],
                "link": visit.with_query(query=f"{query} {field}:{quoted(value['value'])}".strip(), cursor=None),
            }
            for value in values
            if value["value"]
        ]
        if shown:
            found.append((field, shown))
    return found


def _drawn(visit: Visit, asked: Mapping[str, str]) -> dict[str, Any]:
    """What `charts.html` shows: series over the window that is shown, a link to each interval, how many were found."""
    begin, end = _range(visit, asked)
    points, total, seconds = _series(visit, asked, begin, end)
    if not asked["from"]:  # all there is: where that is little of what there may be, it is looked at closer
        busy = [place for place, point in enumerate(points) if point.get("traces")]
        first, last = (busy[0], busy[-1]) if busy else (0, 0)
        if busy and last - first + 1 <= len(points) * _LITTLE:
            begin = instant(points[first]["time"])
            end = begin + timedelta(seconds=seconds * (last - first + 1))
            points, total, seconds = _series(visit, asked, begin, end)
            busy = [place for place, point in enumerate(points) if point.get("traces")]
        points = points[busy[0] : busy[-1] + 1] if busy else []
    drawn = [
        drawing.chart(points, "sessions", "Sessions", "compact", total=total.get("sessions", 0)),
        drawing.chart(points, "errors", "Errors", "compact", total=total.get("errors", 0)),
        drawing.chart(points, "tokens", "Tokens", "compact", total=total.get("tokens", 0)),
        drawing.chart(points, "cost", "Cost", "money", total=total.get("cost", 0)),
        drawing.chart(points, "duration_p50_ns", CHARTS[-1], "duration", line="duration_p95_ns"),
    ]
    links = [
        visit.with_query(
            from_=str(point["time"]),
            to=(instant(point["time"]) + timedelta(seconds=seconds)).isoformat(),
            window=None,
            cursor=None,
            fragment=None,
            charts=None,
        )
        for point in points
    ]
    count = int(total.get("sessions", 0))
    found = f"{count:,} session{'' if count == 1 else 's'}"
    return {**NOTHING_DRAWN, "charts": drawn, "chart_links": links, "found": found}


def _series(
    visit: Visit, asked: Mapping[str, str], begin: datetime, end: datetime
) -> tuple[list[Mapping[str, Any]], Mapping[str, Any], int]:
    """A point for each interval of a window, empty ones too; the totals; and how many seconds an interval has."""
    interval, seconds = drawing.interval((end - begin).total_seconds())
    wanted = {
        **asked,
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "interval": interval,
        "series": "sessions,traces,errors,tokens,cost,duration_p50_ns,duration_p95_ns",
    }
    body = visit.read(questions.measure, questions.Metrics, wanted)
    group: Mapping[str, Any] = next(iter(body["groups"]), {"points": [], "total": {}})
    known: dict[int, Mapping[str, Any]] = {int(instant(point["time"]).timestamp()): point for point in group["points"]}
    first = min([int(begin.timestamp()) // seconds * seconds, *known])
    last = int(end.timestamp())
    times = range(first, max(last, *known, first) + 1, seconds) if known else range(first, last + 1, seconds)
    points = [
        known.get(time) or {"time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        for time in times[:_POINTS]
    ]
    return points, group["total"], seconds


def _range(visit: Visit, asked: Mapping[str, str]) -> tuple[datetime, datetime]:
    """From where to where the charts go: the window, or all that the sessions found may span."""
    begin = instant(asked["from"]) if asked["from"] else None
    end = instant(asked["to"]) if asked["to"] else None
    if begin is None:
        chosen = Listed.model_validate({name: value for name, value in asked.items() if value}).filter()
        now_ns = visit.call.now_ns
        known = extent(visit.client, project=visit.call.project, chosen=chosen, now_ns=now_ns) or (now_ns, now_ns)
        begin, last = (datetime.fromtimestamp(ns // 1000 / 1e6, UTC) for ns in known)
        end = end or last
    return begin, end or visit.now

# SPDX-License-Identifier: Apache-2.0
"""Two sessions, or the sessions of two queries, side by side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from otel_sessions.errors import QueryError
from otel_sessions.extensions.web.api import questions, sessions
from otel_sessions.extensions.web.api.parameters import Listed, PagedTexts
from otel_sessions.extensions.web.pages.environment import parsed
from otel_sessions.extensions.web.pages.format import compact, duration, first_words, money, number, quoted
from otel_sessions.extensions.web.pages.sessions import WINDOWS, window_of
from otel_sessions.extensions.web.pages.visit import Page, Shown, Visit
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.genai.messages import as_text
from otel_sessions.queries.facets import versions

_FIELDS: Final = ("model", "user", "service", "environment", "tag", "tool", "agent", "label")
_TOLD: Final = (
    "langfuse.observation.prompt.name", "langfuse.observation.prompt.version", "gen_ai.prompt.name",
    "gen_ai.prompt.version", "gen_ai.system_instructions",
)  # fmt: skip
"""Attributes that say which version of which prompt a call was made with, or are the prompt itself."""
_WHOLE: Final = ("attr.gen_ai.system_instructions", "tool definition")
"""What is compared as a whole: each distinct text of theirs is a version."""
_MAX_TERM: Final = 1_000
"""Characters of a term that a link can hold."""
_KEYS: Final = 12
"""Keys of metadata that are looked at: those that most of the sessions have that were active last."""
_ASKED: Final = 100
_VALUES: Final = 50
_SHOWN: Final = 25
_LEAST: Final = 0.05
"""Shares that differ by less tell nothing apart."""
_TURNS: Final = 50


def show(visit: Visit) -> Shown:
    """`/compare` with `a` and `b`, or `query_a` and `query_b`: the forms, then the figures, then what takes longer.

    What is wrong with which query, or which session is not there, is said in place: status 400.
    """
    window, start = window_of(visit, "all")
    asked = {name: visit.get(name) for name in ("a", "b")}
    asked |= {name: visit.get(name).strip() for name in ("query_a", "query_b")}
    later: dict[str, Page] = {}
    problem = ""
    try:
        if asked["a"] and asked["b"]:
            ids = [asked["a"], asked["b"]]
            for id_ in ids:
                sessions.check_session(visit.client, visit.call.project, id_)
            later = {"sides": partial(_sessions, ids), "turns": partial(_turns, ids)}
        elif asked["query_a"] or asked["query_b"]:
            from_ = start.isoformat() if start else ""
            wanted = [{"query": asked[name], "from": from_} for name in ("query_a", "query_b")]
            for place, one in zip(("first", "second"), wanted, strict=True):
                _check(visit, place, one)
            counts: list[int] = []
            later = {
                "sides": partial(_selections, wanted, counts),
                "differences": partial(_differences, wanted, counts),
            }
        elif asked["a"] or asked["b"]:
            problem = "name the other session too"
    except (QueryError, NotFound) as error:
        problem = str(error)
    values = {"section": "/sessions", "problem": problem, "window": window, "windows": WINDOWS, **asked}
    return Shown("compare.html", {**values, "parts": list(later)}, status=400 if problem else 200, later=later)


def _check(visit: Visit, place: str, wanted: Mapping[str, str]) -> None:
    given = {name: value for name, value in wanted.items() if value}
    try:
        sessions.check_list(visit.call.project, Listed.model_validate(given), visit.call.now_ns)
    except QueryError as error:
        raise QueryError(f"the {place} query: {error}") from error


def _sessions(ids: Sequence[str], visit: Visit) -> Shown:
    sides = []
    for id_ in ids:
        one = visit.read(sessions.one, sessions.One, {"preview": 400}, ids={"session_id": id_})
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
    return Shown("sides.html", {"sides": sides, "names": list(sides[0]["figures"])})


def _turns(ids: Sequence[str], visit: Visit) -> Shown:
    """The first turns of both."""
    wanted = {"limit": _TURNS, "preview": 400}
    turns = [visit.read(sessions.traces, PagedTexts, wanted, ids={"session_id": id_})["traces"] for id_ in ids]
    return Shown("both.html", {"turns": turns})


def _selections(wanted: Sequence[Mapping[str, str]], counts: list[int], visit: Visit) -> Shown:
    """The figures of both; puts into `counts` how many sessions each has."""
    sides = []
    for one in wanted:
        series = "sessions,traces,errors,tokens,cost,duration_p50_ns,duration_p95_ns"
        asked = {**one, "interval": "all", "series": series}
        groups = visit.read(questions.measure, questions.Metrics, asked)["groups"]
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
        link = f"{visit.base}/sessions?{urlencode({name: value for name, value in one.items() if value})}"
        sides.append({"title": one["query"] or "all sessions", "link": link, "figures": figures})
    return Shown("sides.html", {"sides": sides, "names": list(sides[0]["figures"])})


def _differences(wanted: Sequence[Mapping[str, str]], counts: Sequence[int], visit: Visit) -> Shown:
    """Values that one side has in a greater share of its sessions than the other, by how much, with the sessions that
    have them.
    """
    rows = _ranked(visit, wanted, counts) if len(counts) == len(wanted) and all(counts) else []
    titles = [one["query"] or "all sessions" for one in wanted]
    return Shown("differences.html", {"differences": rows, "titles": titles, "counts": counts})


def _ranked(visit: Visit, wanted: Sequence[Mapping[str, str]], counts: Sequence[int]) -> list[dict[str, Any]]:
    """The lines of a comparison, the greatest difference first: `field`, `value`, `sides`, and `why` there is no link.

    Compared are values of fields, and the prompts and tools that sessions of one side were given.
    """
    told = []
    for one in wanted:
        chosen = Listed.model_validate({name: value for name, value in one.items() if value}).filter()
        project, now_ns = visit.call.project, visit.call.now_ns
        rows = versions(visit.client, project=project, keys=_TOLD, limit=_VALUES, chosen=chosen, now_ns=now_ns)
        told.append({(row["Field"], row["Value"]): row["Count"] for row in rows})
    for field in (*_FIELDS, *_metadata_fields(visit, wanted)):
        for one, known in zip(wanted, told, strict=True):
            asked = {**one, "field": field, "limit": _VALUES}
            values = visit.read(questions.facet, questions.Facets, asked)["values"]
            known.update({(field, value["value"]): value["count"] for value in values})
    found: list[tuple[float, dict[str, Any]]] = []
    for named in {*told[0], *told[1]}:
        both = [known.get(named, 0) for known in told]
        parts = [count / all_ for count, all_ in zip(both, counts, strict=True)]
        if abs(parts[0] - parts[1]) >= _LEAST:
            found.append((abs(parts[0] - parts[1]), _difference(visit, wanted, named, both, parts)))
    found.sort(key=lambda each: (-each[0], each[1]["field"], each[1]["value"]))
    return [row for _, row in found[:_SHOWN]]


def _difference(
    visit: Visit,
    wanted: Sequence[Mapping[str, str]],
    named: tuple[str, str],
    counts: Sequence[int],
    parts: Sequence[float],
) -> dict[str, Any]:
    """A line: the value with its count and share on each side, each a link to its sessions."""
    field, value = named
    if field == "tool definition":
        why = "a query names tools that were called, not how they were defined"
    elif not value:
        why = "a query names what there is"
    else:
        why = f"a query names at most {_MAX_TERM:,} characters" if len(value) > _MAX_TERM else ""
    term = "" if why else f"{field}:{quoted(value)}"
    sides = []
    for one, count, part in zip(wanted, counts, parts, strict=True):
        whole = {"query": f"({one['query']}) {term}" if one["query"] else term, "from": one["from"]}
        asked = urlencode({name: text for name, text in whole.items() if text})
        link = f"{visit.base}/sessions?{asked}" if term and count else None
        sides.append({"text": f"{count:,} ({part:.0%})", "percent": round(100 * part, 1), "link": link})
    return {"field": field, "value": _version(value) if field in _WHOLE else value, "sides": sides, "why": why}


def _version(value: str) -> str:
    """A prompt or a set of tools in short: names of tools or first words, and a digest to tell it from others."""
    found = parsed(value)
    parts = found if isinstance(found, list) else [found]
    told = [part.get("function", part) if isinstance(part, dict) else {"content": as_text(part)} for part in parts]
    said = ", ".join(str(one.get("name") or one.get("content") or "") for one in told if isinstance(one, dict))
    return f"{first_words(said, 80)} ({hashlib.sha256(value.encode()).hexdigest()[:8]})"


def _metadata_fields(visit: Visit, wanted: Sequence[Mapping[str, str]]) -> list[str]:
    """`metadata.KEY` of the commonest keys on both sides that the language can name."""
    seen: Counter[str] = Counter()
    for one in wanted:
        asked = {**one, "limit": _ASKED, "fields": "core,metadata"}
        for session in visit.read(sessions.list_, Listed, asked)["sessions"]:
            seen.update(list(session["metadata"]))
    keys = [key for key, _ in seen.most_common() if key and all(char.isalnum() or char in "_-" for char in key)]
    return [f"metadata.{key}" for key in keys[:_KEYS]]

# SPDX-License-Identifier: Apache-2.0
"""Two sessions, or the sessions of two queries, side by side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from otel_sessions.errors import QueryError
from otel_sessions.extensions.web.api import questions, sessions
from otel_sessions.extensions.web.api.parameters import Listed, PagedTexts
from otel_sessions.extensions.web.pages.environment import parsed
from otel_sessions.extensions.web.pages.format import compact, duration, first_words, money, number, quoted
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.genai.parts import as_text

_FIELDS: Final = ("model", "user", "service", "environment", "tag", "tool", "agent", "label")
_PROMPTS: Final = (
    "attr.langfuse.observation.prompt.name", "attr.langfuse.observation.prompt.version", "attr.gen_ai.prompt.name",
    "attr.gen_ai.prompt.version",
)  # fmt: skip
"""Attributes that say which version of which prompt a call was made with."""
_WHOLE: Final = ("attr.gen_ai.tool.definitions", "attr.ai.prompt.tools", "attr.gen_ai.system_instructions")
"""Attributes that are the tools and the prompt themselves: each distinct text of theirs is a version."""
_OFFERED: Final = tuple(f"attr.llm.tools.{place}.tool.json_schema" for place in range(16))
"""The tools one by one, as OpenInference has them: each distinct text in a place is a version."""
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
    """Values that one side has in a greater share of its sessions than the other, by how much, with the sessions that
    have them.
    """
    if not all(counts):
        return []
    found: list[tuple[float, dict[str, Any]]] = []
    for field in (*_FIELDS, *_PROMPTS, *_WHOLE, *_metadata_fields(visit, queries), *_OFFERED):
        shares: list[dict[str, int]] = []
        for query in queries:
            wanted = {"field": field, "query": query, "limit": _VALUES}
            values = visit.read(questions.facet, questions.Facets, wanted)["values"]
            shares.append({value["value"]: value["count"] for value in values})
        if field in _OFFERED and not any(shares):
            break  # places have no gaps
        for value in {*shares[0], *shares[1]}:
            both = [share.get(value, 0) for share in shares]
            parts = [count / all_ for count, all_ in zip(both, counts, strict=True)]
            if abs(parts[0] - parts[1]) >= _LEAST:
                found.append((abs(parts[0] - parts[1]), _difference(visit, queries, (field, value), both, parts)))
    found.sort(key=lambda each: (-each[0], each[1]["field"], each[1]["value"]))
    return [row for _, row in found[:_SHOWN]]


def _difference(
    visit: Visit, queries: Sequence[str], named: tuple[str, str], counts: Sequence[int], parts: Sequence[float]
) -> dict[str, Any]:
    """A line: the value with its count and share on each side, each a link to its sessions."""
    field, value = named
    term = f"{field}:{quoted(value)}" if value and len(value) <= _MAX_TERM else ""
    sides = []
    for query, count, part in zip(queries, counts, parts, strict=True):
        whole = f"({query}) {term}" if query else term
        link = f"{visit.base}/sessions?{urlencode({'query': whole})}" if term and count else None
        sides.append({"text": f"{count:,} ({part:.0%})", "percent": round(100 * part, 1), "link": link})
    return {"field": field, "value": _version(value) if field in (*_WHOLE, *_OFFERED) else value, "sides": sides}


def _version(value: str) -> str:
    """A prompt or a set of tools in short: the names of the tools or the first words, and a digest that tells it from
    others.
    """
    found = parsed(value)
    parts = found if isinstance(found, list) else [found]
    told = [part.get("function", part) if isinstance(part, dict) else {"content": as_text(part)} for part in parts]
    said = ", ".join(str(one.get("name") or one.get("content") or "") for one in told if isinstance(one, dict))
    return f"{first_words(said, 80)} ({hashlib.sha256(value.encode()).hexdigest()[:8]})"


def _metadata_fields(visit: Visit, queries: Sequence[str]) -> list[str]:
    """`metadata.KEY` of the commonest keys on both sides that the language can name."""
    seen: Counter[str] = Counter()
    for query in queries:
        wanted = {"query": query, "limit": _ASKED, "fields": "core,metadata"}
        for session in visit.read(sessions.list_, Listed, wanted)["sessions"]:
            seen.update(list(session["metadata"]))
    keys = [key for key, _ in seen.most_common() if key and all(char.isalnum() or char in "_-" for char in key)]
    return [f"metadata.{key}" for key in keys[:_KEYS]]

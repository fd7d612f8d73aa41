# SPDX-License-Identifier: Apache-2.0
"""Tables over many sessions: models and tools, errors, traces without a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from otel_sessions.extensions.web.api import questions
from otel_sessions.extensions.web.pages.format import instant, number, quoted
from otel_sessions.extensions.web.pages.sessions import WINDOWS, window_of
from otel_sessions.extensions.web.pages.visit import Page, Shown, Visit
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import findings
from otel_sessions.queries.rows import as_json

_LIMIT: Final = 100
_SHORT: Final = 60
"""Characters of an attribute that tell what it is."""
_SERIES: Final = "cost,tokens,sessions,traces,errors,duration_p50_ns,duration_p95_ns"
_EPOCH: Final = instant("1970-01-01T00:00:00Z")
_HEADS: Final = (
    ("Cost", True), ("Tokens", True), ("Sessions", True), ("Turns", True), ("Errors", True), ("Turn p50", True),
    ("Turn p95", True),
)  # fmt: skip


_TOOL_HEADS: Final = (("Calls", True), ("Errors", True), ("Sessions", True), ("p50", True), ("p95", True))


def models(visit: Visit) -> Shown:
    """`/models`: what each model and each tool cost, how often it failed, how long its turns took."""
    window, start = window_of(visit)

    def of_models(visit: Visit) -> Shown:
        return _shown(
            title="Models",
            note="Cost and tokens are those of the model's calls; errors and times those of the turns that used it.",
            heads=[("Model", False), *_HEADS],
            rows=_models(visit, start),
            empty="No model was seen in this window of time.",
        )

    def of_tools(visit: Visit) -> Shown:
        found = findings.tools(visit.client, **_since(visit, start))
        rows = [
            [
                {"text": row["StepName"], "link": f"{visit.base}/sessions?{_query('tool', row['StepName'])}"},
                number(row["CallCount"]),
                {"failed": row["ErrorCount"]},
                number(row["SessionCount"]),
                {"value": row["DurationP50"], "unit": "duration"},
                {"value": row["DurationP95"], "unit": "duration"},
            ]
            for row in found
        ]
        return _shown(
            title="Tools",
            note="Errors and times are those of the tool's own calls.",
            heads=[("Tool", False), *_TOOL_HEADS],
            rows=rows,
            empty="No tool was seen in this window of time.",
        )

    return _table(visit, "/models", "Models and tools", {"models": of_models, "tools": of_tools}, window=window)


def errors(visit: Visit) -> Shown:
    """`/errors`: errors grouped by their message and step."""
    window, start = window_of(visit)
    heads = [("Message", False), ("Step", False), ("Errors", True), ("Sessions", True), ("Last", False)]

    def groups(visit: Visit) -> Shown:
        found = findings.error_groups(visit.client, **_since(visit, start))
        rows = []
        for row in map(as_json, found):
            kind = "span" if row["step_kind"] in ("", "other") else row["step_kind"]
            count, passed_on = row["error_count"], row["passed_on_count"]
            how_many = "" if passed_on == count else f"{passed_on:,} "
            rows.append(
                [
                    {
                        "text": row["message"],
                        "link": f"{visit.session_url(row['last_session'])}?show=tools#turn-{row['last_trace']}",
                    },
                    {
                        "text": row["step_name"],
                        "badge": kind,
                        "after": f"{how_many}passed on from within" if passed_on else "",
                    },
                    {"value": count, "unit": "compact"},
                    {"value": row["session_count"], "unit": "compact"},
                    {"time": row["last_seen"]},
                ]
            )
        return _shown(heads=heads, rows=rows, empty="No error in this window of time.")

    return _table(visit, "/errors", "Errors", {"errors": groups}, window=window)


def unassigned(visit: Visit) -> Shown:
    """`/unassigned`: traces of which no span names a session, and what to do about it."""
    window, start = window_of(visit)
    heads = [("Service", False), ("Traces", True), ("Spans", True), ("Last", False), ("One of them", False)]

    def services(visit: Visit) -> Shown:
        found = findings.unassigned(visit.client, **_since(visit, start))
        rows = [
            [
                {"text": row["service_name"] or "(no service.name)"},
                {"value": row["trace_count"], "unit": "compact"},
                {"value": row["span_count"], "unit": "compact"},
                {"time": row["last_seen"]},
                {"text": row["one_trace"], "link": f"{visit.path}/{row['one_trace']}"},
            ]
            for row in map(as_json, found)
        ]
        told = {"heads": heads, "rows": rows, "empty": "No trace in this window of time is without a session."}
        if not rows:
            return _shown(**told)
        lead = "Put session.id on one span of each trace of these services; all its spans follow."
        return _shown(**told, lead=lead, lead_link=(f"{visit.base}/connect", "How to do that in your language"))

    return _table(visit, "/unassigned", "Traces without a session", {"services": services}, window=window)


def unassigned_trace(visit: Visit) -> Shown:
    """`/unassigned/{trace_id}`: the spans of a trace without a session, and what they say, as an id may be there."""
    trace_id = visit.call.ids["trace_id"]
    found = findings.unassigned_spans(visit.client, project=visit.call.project, trace_id=trace_id, limit=_LIMIT)
    if not found:
        raise NotFound(f"there is no trace {trace_id[:64]!r} without a session")
    rows = [
        [
            {"text": row["SpanName"]},
            {"text": row["ServiceName"]},
            {"text": row["ScopeName"]},
            {"value": row["Duration"], "unit": "duration"},
            {"text": row["StatusCode"]},
            {
                "text": ", ".join(
                    f"{key}={value[:_SHORT]}{'…' * (len(value) > _SHORT)}"
                    for key, value in sorted({**row["ResourceAttributes"], **row["SpanAttributes"]}.items())
                )
            },
        ]
        for row in found
    ]
    heads = [("Span", False), ("Service", False), ("Scope", False), ("Took", True), ("Status", False)]
    lead = (
        "None of these spans names a session. If one of their attributes is the id, add its key to "
        "processors.session.session_keys; else set session.id on any of them."
    )
    spans = _shown(heads=[*heads, ("Attributes", False)], rows=rows, long=True, lead=lead)
    return _table(visit, "/unassigned", f"Trace {trace_id}", {"spans": lambda _: spans}, window="")


def _models(visit: Visit, start: datetime | None) -> list[list[Any]]:
    """A row for each model of the sessions since `start`, in the columns of `_HEADS`; how many calls have no price is
    asked where a model has tokens and cost nothing.
    """
    wanted = {
        "from": start.isoformat() if start else None,
        "interval": "all",
        "group_by": "model",
        "series": _SERIES,
        "top": _LIMIT,
    }
    groups: Sequence[Mapping[str, Any]] = visit.read(questions.measure, questions.Metrics, wanted)["groups"]
    unpriced: dict[str | None, int] = {}
    if any(group["total"]["tokens"] and not group["total"]["cost"] for group in groups):
        found = findings.unpriced_models(visit.client, **_since(visit, start))
        unpriced = {row["Model"]: row["CallCount"] for row in found}
    rows = []
    for group in groups:
        if group["key"] == "":
            continue
        key, total = group["key"], group["total"]
        search = f"{visit.base}/sessions"
        link = f"{search}?{_query('model', key)}" if key is not None else None
        rows.append(
            [
                {"text": key if key is not None else "all others", "link": link},
                {"priced": {**total, "total_tokens": total["tokens"], "unpriced_calls": unpriced.get(key, 0)}},
                {"value": total.get("tokens", 0), "unit": "compact"},
                number(total.get("sessions", 0)),
                number(total.get("traces", 0)),
                {"failed": total.get("errors", 0)},
                {"value": total.get("duration_p50_ns", 0), "unit": "duration"},
                {"value": total.get("duration_p95_ns", 0), "unit": "duration"},
            ]
        )
    return rows


def _since(visit: Visit, start: datetime | None) -> dict[str, Any]:
    """The arguments of a look at all that was since `start`, or ever."""
    return {"project": visit.call.project, "from_": start or _EPOCH, "to": visit.now, "limit": _LIMIT}


def _query(field: str, key: str) -> str:
    return urlencode({"query": f"{field}:{quoted(key)}"})


def _table(visit: Visit, section: str, title: str, later: Mapping[str, Page], *, window: str) -> Shown:
    """A page of tables, each a part of it."""
    windows = WINDOWS if window else ()
    values = {"section": section, "title": title, "window": window, "windows": windows, "tables": list(later)}
    return Shown("tables.html", values, later=later)


def _shown(**table: Any) -> Shown:
    """One table, in the members that `table.html` names."""
    return Shown("table.html", {"table": {"title": "", "note": "", "lead": "", "empty": "", "long": False, **table}})

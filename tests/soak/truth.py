"""What is in ClickHouse, held against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from otel_sessions.testing.oracle import Identity, OracleSpan, assign, figures

MINUTE: Final = 60_000_000_000
_COUNTS: Final = ("SpanCount", "ErrorCount", "InputTokens", "OutputTokens", "Cost")
_TIMES: Final = ("StartTime", "EndTime")
_SEPARATOR: Final = "\t"

Query = Callable[[str], Iterable[Iterable[Any]]]
"""The rows of a query."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of sessions: what tells its rows apart beside the session, in SQL and of a span, and its figures."""

    name: str
    part: str
    part_of: Callable[[OracleSpan], str]
    columns: tuple[str, ...]

    def sql(self, where: str) -> str:
        columns = [f"toUnixTimestamp64Nano({name})" if name in _TIMES else name for name in self.columns]
        return f"SELECT SessionId, {self.part}, {', '.join(columns)} FROM {self.name} WHERE {where}"


VIEWS: Final = (
    View("sessions", "''", lambda _: "", ("TraceCount", *_COUNTS, *_TIMES)),
    View("session_traces", "TraceId", lambda span: span.trace_id, (*_COUNTS, *_TIMES)),
    View(
        "session_timeline",
        f"toString(toUnixTimestamp(Minute) * 1000000000 DIV {MINUTE})",
        lambda span: str(span.start // MINUTE),
        ("TraceCount", *_COUNTS),
    ),
)


def differences(query: Query, sent: Mapping[Identity, OracleSpan], acked: set[Identity], where: str = "1") -> list[str]:
    """How what is stored departs from what was sent and from the sessions of the rule; nothing if all is well."""
    stored = {tuple(row) for row in query(f"SELECT Project, TraceId, SpanId FROM otel_traces WHERE {where}")}
    found = [f"acknowledged and not stored: {identity}" for identity in acked - stored]
    found += [f"stored and never sent: {identity}" for identity in stored - sent.keys()]
    if not found:
        spans = [sent[identity] for identity in stored]  # type: ignore[index]
        found = list(_members(query, spans, where))
    if not found:  # until the members are right, their figures need no look
        for view in VIEWS:
            found += _compared(view.name, _wanted(view, spans), _read(view, query, where))
    return found


def _members(query: Query, spans: list[OracleSpan], where: str) -> Iterable[str]:
    rows = [tuple(row) for row in query(f"SELECT Project, TraceId, SpanId, SessionId FROM session_spans WHERE {where}")]
    got = {row[:3]: row[3] for row in rows}
    if len(got) != len(rows):
        yield f"session_spans has {len(rows)} rows of {len(got)} spans"
    yield from _compared("session_spans", {key: name for key, name in assign(spans).items() if name is not None}, got)


def _wanted(view: View, spans: list[OracleSpan]) -> dict[Any, tuple[Any, ...]]:
    """By the oracle: spans of one row of the view are those of one session, once each claims that row for itself."""
    sessions = assign(spans)
    rows = [
        replace(span, level=1, claim_id=f"{session}{_SEPARATOR}{view.part_of(span)}")
        for span in spans
        if (session := sessions[span.identity]) is not None
    ]
    return {
        tuple(key.split(_SEPARATOR)): tuple(row[name] for name in view.columns)  # type: ignore[literal-required]
        for (_, key), row in figures(rows).items()
    }


def _read(view: View, query: Query, where: str) -> dict[Any, tuple[Any, ...]]:
    found = {}
    for session, part, *values in query(view.sql(where)):
        named = zip(view.columns, values, strict=True)
        found[session, part] = tuple(Decimal(str(value)) if name == "Cost" else value for name, value in named)
    return found


def _compared(name: str, wanted: Mapping[Any, Any], got: Mapping[Any, Any]) -> list[str]:
    return [
        f"{name} {key}: {got.get(key)} instead of {wanted.get(key)}"
        for key in wanted.keys() | got.keys()
        if wanted.get(key) != got.get(key)
    ]

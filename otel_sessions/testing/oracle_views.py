# SPDX-License-Identifier: Apache-2.0
"""What every view of sessions must say of a set of spans: plain Python, slow and obviously right.

Written from what docs/sql.md promises, and from nothing that the views are made of. Where that leaves a choice between
texts that are equal by their times, the greater text is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from otel_sessions.testing.oracle import NO_CLAIM, OracleSpan, assign, best_of

LAST_NS: Final = 2**63 - 1
"""2262-04-11: the last moment that a column of times can hold."""
MINUTE_NS: Final = 60_000_000_000

Row: TypeAlias = "dict[str, Any]"
Rows: TypeAlias = "dict[tuple[str, ...], Row]"
"""By what tells the rows of a view apart, in the order of its columns. Times are in ns since 1970."""
Text: TypeAlias = "Callable[[OracleSpan], str]"


@dataclass(frozen=True, slots=True)
class OracleScore:
    """A score that was given to a session, or to a trace or span, which say whose it is."""

    project: str
    score_id: str
    session_id: str = ""
    trace_id: str = ""
    span_id: str = ""


def views(spans: Iterable[OracleSpan], scores: Iterable[OracleScore] = (), split_after_ns: int = 0) -> dict[str, Rows]:
    """The rows of each view, by its name. ValueError where two different spans share an identity."""
    known = list(dict.fromkeys(spans))
    of_span = assign(known)
    turns: defaultdict[tuple[str, str, str], list[OracleSpan]] = defaultdict(list)
    sessions: defaultdict[tuple[str, str], list[OracleSpan]] = defaultdict(list)
    minutes: defaultdict[tuple[str, str, str], list[OracleSpan]] = defaultdict(list)
    for span in known:
        if (session := of_span[span.identity]) is not None:
            turns[span.project, session, span.trace_id].append(span)
            sessions[span.project, session].append(span)
            if not span.is_update:
                minutes[span.project, session, str(stored_time(span.start) // MINUTE_NS * MINUTE_NS)].append(span)
    turns_of: defaultdict[tuple[str, str], list[list[OracleSpan]]] = defaultdict(list)
    shown = {key: turn for key, turn in turns.items() if _spans(turn)}
    for (project, session, _), turn in shown.items():
        turns_of[project, session].append(turn)
    return {
        "sessions": {key: _session(sessions[key], turns_of[key]) for key in turns_of},
        "session_traces": {key: _turn(turn) for key, turn in shown.items()},
        "session_timeline": {key: _minute(minute) for key, minute in minutes.items()},
        "session_parts": {
            (*key, str(number)): _part(part, gap)
            for key, turns in turns_of.items()
            for number, (part, gap) in enumerate(_split(turns, split_after_ns), 1)
        },
        "session_users": _users(shown),
        "session_spans": {
            span.identity: _span(span, session)
            for span in known
            if (session := of_span[span.identity]) is not None and not span.is_update
        },
        "session_scores": _scores(known, scores),
    }


def trace_times(spans: Iterable[OracleSpan]) -> Rows:
    """The view `otel_traces_trace_id_ts`: of everything that is stored, sessions or not."""
    starts: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for span in spans:
        starts[(span.trace_id,)].append(stored_time(span.start))
    return {key: {"Start": min(times), "End": max(times)} for key, times in starts.items()}


def stored_time(time: int) -> int:
    """The time, in ns since 1970, as a column of times holds it."""
    return min(time, LAST_NS)


def has_times(span: OracleSpan) -> bool:
    """Whether it says when it was."""
    return 0 < span.start < LAST_NS


def end_of(span: OracleSpan) -> int:
    """When it ended; where that makes no sense, when it started."""
    return span.end if has_times(span) and span.start < span.end < LAST_NS else stored_time(span.start)


def _spans(group: Iterable[OracleSpan]) -> list[OracleSpan]:
    """The spans that count: an update says something of a trace, and is no span of it."""
    return [span for span in group if not span.is_update]


def _times(group: Iterable[OracleSpan]) -> Row:
    # the spans whose times make sense, else all of them
    spans = _spans(group)
    spans = [span for span in spans if has_times(span)] or spans
    start, end = min(stored_time(span.start) for span in spans), max(end_of(span) for span in spans)
    return {"StartTime": start, "EndTime": end, "Duration": end - start}


def _calls(group: Iterable[OracleSpan]) -> list[OracleSpan]:
    return [span for span in _spans(group) if span.kind == "model"]


def _usage(group: Iterable[OracleSpan]) -> Row:
    calls = _calls(group)
    costs = (span.cost for span in calls if span.states_cost)
    return {
        "InputTokens": sum(span.input_tokens for span in calls),
        "OutputTokens": sum(span.output_tokens for span in calls),
        "CachedInputTokens": sum(span.cached_tokens for span in calls),
        "CacheCreationInputTokens": sum(span.cache_creation_tokens for span in calls),
        "ReasoningTokens": sum(span.reasoning_tokens for span in calls),
        "TotalTokens": sum(_total(span) for span in calls),
        "Cost": float(sum(costs, Decimal(0))),
    }


def _total(span: OracleSpan) -> int:
    return span.input_tokens + span.output_tokens


def _counts(group: Sequence[OracleSpan]) -> Row:
    spans, calls = _spans(group), _calls(group)
    errors = [span for span in _spans(group) if span.error]
    texts = [(_late(span, end_of(span)), span.message or span.exception or span.name) for span in errors]
    said: dict[str, tuple[tuple[bool, int], str]] = {}
    for span in group:
        for key, value in span.metadata:
            said[key] = max(said.get(key, ((False, -1), "")), (_late(span, span.start), value))
    return {
        "SpanCount": len(spans),
        "ErrorCount": sum(span.error for span in spans),
        "ModelCalls": len(calls),
        "UnpricedCalls": sum(not span.states_cost and _total(span) > 0 for span in calls),
        "ToolCalls": sum(span.kind == "tool" for span in spans),
        "LastError": max(texts)[1] if texts else "",
        "Models": _set(span.step_name for span in spans if span.kind == "model"),
        "Tags": _set(tag for span in group for tag in span.tags),
        "Metadata": {key: value for key, (_, value) in said.items()},
        **_times(group),
        **_usage(group),
    }


def _set(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if text}, key=str.encode)


def _late(span: OracleSpan, time: int) -> tuple[bool, int]:
    """What comes later is greater; times that make no sense are before all others."""
    return (True, time) if has_times(span) else (False, 0)


def _first(group: Iterable[OracleSpan], text: Text) -> str:
    """What the earliest span says that says anything; times that make no sense come after all others."""
    said = [((not has_times(span), span.start if has_times(span) else 0), text(span)) for span in group if text(span)]
    earliest = min(said)[0] if said else None
    return max((words for time, words in said if time == earliest), default="")


def _last(group: Iterable[OracleSpan], text: Text, time: Callable[[OracleSpan], int]) -> str:
    said = [(_late(span, time(span)), text(span)) for span in group if text(span)]
    return max(said)[1] if said else ""


def _said(turn: Sequence[OracleSpan], text: Text) -> str:
    """The latest update that says it, else the first root, else the earliest span."""
    return (
        _last((span for span in turn if span.is_update), text, lambda span: span.start)
        or _first((span for span in _spans(turn) if span.is_root), text)
        or _first(_spans(turn), text)
    )


def _turn(turn: Sequence[OracleSpan]) -> Row:
    spans = _spans(turn)
    roots = [span for span in spans if span.is_root]
    return {
        "Name": _said(turn, lambda span: span.trace_name)
        or _first((span for span in roots if not span.has_parent), lambda span: span.name)
        or _first(roots, lambda span: span.name)
        or _first(spans, lambda span: span.name),
        "UserId": _said(turn, lambda span: span.user),
        "Environment": _said(turn, lambda span: span.environment),
        "Input": _said(turn, lambda span: span.trace_input)
        or _first(roots, lambda span: span.input)
        or _first(spans, lambda span: span.input),
        "Output": _said(turn, lambda span: span.trace_output)
        or _last(roots, lambda span: span.output, end_of)
        or _last(spans, lambda span: span.output, end_of),
        **_counts(turn),
    }


def _session(group: Sequence[OracleSpan], turns: Sequence[Sequence[OracleSpan]]) -> Row:
    rows = [(_turn(turn), any(map(has_times, _spans(turn))), turn[0].trace_id) for turn in turns]
    by_start = sorted(rows, key=lambda row: (not row[1], row[0]["StartTime"], row[2]))
    by_end = sorted(rows, key=lambda row: (row[1], row[0]["EndTime"], row[2]))
    return {
        "TraceCount": len(turns),
        "UserIds": _set(span.user for span in group),
        "ServiceNames": _set(span.service for span in group),
        "Environments": _set(span.environment for span in group),
        "Input": next((row["Input"] for row, _, _ in by_start if row["Input"]), ""),
        "Output": next((row["Output"] for row, _, _ in reversed(by_end) if row["Output"]), ""),
        "LongestGap": _longest_gap([row for row, has, _ in by_start if has]),
        **_counts(group),
    }


def _split(turns: Sequence[Sequence[OracleSpan]], limit_ns: int) -> list[tuple[list[Sequence[OracleSpan]], int]]:
    """The turns of each part, and how long there was no turn before it; 0 as a limit divides nothing."""
    timed = [turn for turn in turns if any(map(has_times, _spans(turn)))]
    parts: list[tuple[list[Sequence[OracleSpan]], int]] = [([turn for turn in turns if turn not in timed], 0)]
    latest = None
    for turn in sorted(timed, key=lambda turn: (_times(turn)["StartTime"], turn[0].trace_id)):
        times = _times(turn)
        gap = 0 if latest is None else times["StartTime"] - latest
        if gap > limit_ns > 0:
            parts.append(([], gap))
        parts[-1][0].append(turn)
        latest = max(latest or 0, times["EndTime"])
    return parts


def _part(turns: Sequence[Sequence[OracleSpan]], gap: int) -> Row:
    group = [span for turn in turns for span in turn]
    by_start = sorted(turns, key=lambda t: (not any(map(has_times, _spans(t))), _times(t)["StartTime"], t[0].trace_id))
    whole = _session(group, turns)
    left_out = ("UserIds", "ServiceNames", "Environments", "LongestGap", "Models", "Tags", "Metadata")
    shown = {name: value for name, value in whole.items() if name not in left_out}
    return {"FirstTraceId": by_start[0][0].trace_id, "Gap": gap, **shown}


def _longest_gap(turns: Sequence[Row]) -> int:
    """The longest time, in ns, from the latest end of all turns before to the start of one; `turns` by their start."""
    longest = 0
    latest = turns[0]["EndTime"] if turns else 0
    for turn in turns:
        longest = max(longest, turn["StartTime"] - latest)
        latest = max(latest, turn["EndTime"])
    return longest


def _minute(spans: Sequence[OracleSpan]) -> Row:
    usage = _usage(spans)
    return {
        "TraceCount": len({span.trace_id for span in spans}),
        "SpanCount": len(spans),
        "ErrorCount": sum(span.error for span in spans),
        **{name: usage[name] for name in ("InputTokens", "OutputTokens", "TotalTokens", "Cost")},
    }


def _users(turns: Mapping[tuple[str, str, str], Sequence[OracleSpan]]) -> Rows:
    of_user: defaultdict[tuple[str, ...], list[tuple[str, Sequence[OracleSpan]]]] = defaultdict(list)
    for (project, session, _), turn in turns.items():
        if user := _said(turn, lambda span: span.user):
            of_user[project, user].append((session, turn))
    rows = {}
    for key, theirs in of_user.items():
        spans = [span for _, turn in theirs for span in turn]
        times = _times(spans)
        rows[key] = {
            "FirstSeen": times["StartTime"],
            "LastSeen": times["EndTime"],
            "SessionCount": len({session for session, _ in theirs}),
            "TraceCount": len({span.trace_id for span in spans}),
            "ErrorCount": sum(span.error for span in _spans(spans)),
            **_usage(spans),
        }
    return rows


def _span(span: OracleSpan, session: str) -> Row:
    own = span.level != NO_CLAIM and span.claim_id == session
    return {
        "SessionId": session,
        "SessionSource": ("span" if span.level in (1, 3) else "resource") if own else "trace",
        "StepKind": span.kind,
        "StepName": span.step_name or span.name,
        "AgentName": span.step_name if span.kind == "agent" else "",
        "mark": span.mark,
    }


def _scores(spans: Sequence[OracleSpan], scores: Iterable[OracleScore]) -> Rows:
    """The scores of each session: its own, those of the traces whose best claim it has, and those of its spans."""
    traces: defaultdict[tuple[str, str], list[OracleSpan]] = defaultdict(list)
    for span in spans:
        traces[span.project, span.trace_id].append(span)
    sessions, known = assign(spans), {span.identity: span for span in spans}
    rows: Rows = {}
    for score in scores:
        identity = (score.project, score.trace_id, score.span_id)
        session: str | None = score.session_id or None
        if not session and score.span_id:
            session = sessions.get(identity) if identity in known and not known[identity].is_update else None
        elif not session and (trace := traces.get(identity[:2])):
            best = best_of(trace)
            session = best.claim_id if best else None
        if session:
            rows[score.project, session, score.score_id] = {"TraceId": score.trace_id, "SpanId": score.span_id}
    return rows

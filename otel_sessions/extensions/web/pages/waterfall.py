"""The spans of turns as bars along time: rows in the order of the tree, idle time between turns condensed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from otel_sessions.extensions.web.pages.format import instant

WIDTH: Final = 1000.0
"""Units of the drawing from the first start to the last end."""
_GAP: Final = 18.0
"""Units that idle time takes, however long it was."""
_IDLE_SHARE: Final = 0.04
"""Idle time that is a greater share of the whole than this is condensed."""
_MIN_BAR: Final = 2.0
MAX_DEPTH: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One span: `x` and `width` in units of `WIDTH`, `depth` in the tree from 0."""

    span: Mapping[str, Any]
    depth: int
    x: float
    width: float
    first: bool
    """The first of its turn."""
    critical: bool
    """While it ran, and none of its children did, nothing else kept its turn from ending sooner."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Idle time: where it is drawn, and how long it was in nanoseconds."""

    x: float
    width: float
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    bars: Sequence[Bar]
    gaps: Sequence[Gap]
    duration_ns: int
    """From the first start to the last end."""


def waterfall(spans: Sequence[Mapping[str, Any]]) -> Waterfall:
    """Lays out spans of one or several traces, rows of `/spans` with `start_time` and `duration_ns`."""
    if not spans:
        return Waterfall([], [], 0)
    times = {id(span): _interval(span) for span in spans}
    scale, gaps, whole = _scale(list(times.values()))
    critical = _critical(spans, times)
    bars: list[Bar] = []
    seen: set[str] = set()
    for span, depth in _in_order(spans, times):
        start, end = times[id(span)]
        x = scale(start)
        trace = str(span["trace_id"])
        bars.append(
            Bar(span, min(depth, MAX_DEPTH), x, max(scale(end) - x, _MIN_BAR), trace not in seen, id(span) in critical)
        )
        seen.add(trace)
    return Waterfall(bars, gaps, whole)


def _interval(span: Mapping[str, Any]) -> tuple[int, int]:
    start = instant(span["start_time"])
    begin = int(start.timestamp()) * 1_000_000_000 + start.microsecond * 1000
    return begin, begin + int(span["duration_ns"])


def _scale(intervals: list[tuple[int, int]]) -> tuple[Any, list[Gap], int]:
    """A function from a time to its place, the gaps that it condenses, and the whole duration."""
    busy: list[list[int]] = []
    for start, end in sorted(intervals):
        if busy and start <= busy[-1][1]:
            busy[-1][1] = max(busy[-1][1], end)
        else:
            busy.append([start, end])
    first, last = busy[0][0], busy[-1][1]
    whole = max(last - first, 1)
    idle = [(left[1], right[0]) for left, right in pairwise(busy) if right[0] - left[1] > whole * _IDLE_SHARE]
    gap = min(_GAP, WIDTH / 2 / max(len(idle), 1))
    unit = (WIDTH - gap * len(idle)) / max(whole - sum(end - start for start, end in idle), 1)
    gaps: list[Gap] = []
    steps: list[tuple[int, float]] = []
    place, at = 0.0, first
    for start, end in idle:
        steps.append((at, place))
        place += (start - at) * unit
        gaps.append(Gap(round(place, 2), round(gap, 2), end - start))
        place, at = place + gap, end
    steps.append((at, place))

    def scale(time: int) -> float:
        begin, offset = next((step for step in reversed(steps) if step[0] <= time), steps[0])
        return round(min(max(offset + (time - begin) * unit, 0.0), WIDTH), 2)

    return scale, gaps, whole


def _in_order(
    spans: Sequence[Mapping[str, Any]], times: Mapping[int, tuple[int, int]]
) -> list[tuple[Mapping[str, Any], int]]:
    """The spans of each trace as a tree, children by their start; what hangs in a circle or nowhere is a root."""
    children: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    known = {(span["trace_id"], span["span_id"]) for span in spans}
    roots: list[Mapping[str, Any]] = []
    for span in sorted(spans, key=lambda span: times[id(span)]):
        parent = (span["trace_id"], span["parent_span_id"])
        if parent in known and parent[1] != span["span_id"]:
            children.setdefault(parent, []).append(span)
        else:
            roots.append(span)
    first: dict[str, int] = {}
    for span in spans:
        trace = str(span["trace_id"])
        first[trace] = min(first.get(trace, times[id(span)][0]), times[id(span)][0])
    roots.sort(key=lambda span: (first[str(span["trace_id"])], str(span["trace_id"]), times[id(span)]))
    ordered: list[tuple[Mapping[str, Any], int]] = []
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        span, depth = stack.pop()
        ordered.append((span, depth))
        below = children.pop((span["trace_id"], span["span_id"]), [])
        stack.extend((child, depth + 1) for child in reversed(below))
    shown = {id(span) for span, _ in ordered}
    return ordered + [(span, 0) for span in spans if id(span) not in shown]


def _critical(spans: Sequence[Mapping[str, Any]], times: Mapping[int, tuple[int, int]]) -> set[int]:
    """The spans on the critical path of each trace: from its root's end backwards, the child that ended last before."""
    children: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    known = {(span["trace_id"], span["span_id"]) for span in spans}
    roots: dict[str, Mapping[str, Any]] = {}
    for span in spans:
        parent = (span["trace_id"], span["parent_span_id"])
        if parent in known and parent[1] != span["span_id"]:
            children.setdefault(parent, []).append(span)
            continue
        known_root = roots.get(str(span["trace_id"]))
        if known_root is None or times[id(span)][1] > times[id(known_root)][1]:
            roots[str(span["trace_id"])] = span
    path: set[int] = set()
    stack = [(root, times[id(root)][1]) for root in roots.values()]
    while stack:
        span, until = stack.pop()
        if id(span) in path:
            continue
        path.add(id(span))
        below = children.get((span["trace_id"], span["span_id"]), [])
        for child in sorted(below, key=lambda child: times[id(child)][1], reverse=True):
            start, end = times[id(child)]
            if end <= until:
                stack.append((child, end))
                until = start
    return path

# SPDX-License-Identifier: Apache-2.0
"""The spans of turns as bars along time: rows in the order of the tree, idle time between turns condensed.

A part of the time can be looked at closer: `View` cuts it out of the drawing, which stays as it is. The page's script
does the same without asking again (`static/zoom.js`), from the points of the scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from otel_sessions.extensions.web.pages.format import duration, instant

WIDTH: Final = 1000.0
"""Units of the drawing from the first start to the last end."""
_GAP: Final = 18.0
"""Units that idle time takes, however long it was."""
_IDLE_SHARE: Final = 0.04
"""Idle time that is a greater share of the whole than this is condensed."""
_TICKS: Final = 4
_CLOSEST: Final = 1000.0
"""How many times the drawing can be enlarged."""
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
class Lane:
    """When an agent worked: places and widths, without those of the agents that it called."""

    agent: str
    bars: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of a drawing, in its units, and where other views lie, in microseconds from the first start."""

    x: float
    width: float
    ticks: Sequence[tuple[int, str]]
    """Labels of times, with their places in percent of the view."""
    zoomed: bool
    moves: Mapping[str, str]
    """`in`, `out`, `left`, `right` as values of `zoom` in an address; empty text is the whole."""

    def shows(self, bar: Bar) -> bool:
        return bar.x <= self.x + self.width and bar.x + bar.width >= self.x


@dataclass(frozen=True, slots=True)
class Waterfall:
    bars: Sequence[Bar]
    gaps: Sequence[Gap]
    lanes: Sequence[Lane]
    """Of agents in the order of their first work, as in the replay; empty where there are not several."""
    duration_ns: int
    """From the first start to the last end."""
    points: Sequence[tuple[float, float]]
    """Places on the drawing with their times in microseconds from the first start; between two, time runs evenly."""


def waterfall(spans: Sequence[Mapping[str, Any]]) -> Waterfall:
    """Lays out spans of one or several traces, rows of `/spans` with `start_time` and `duration_ns`."""
    if not spans:
        return Waterfall([], [], [], 0, [])
    times = {id(span): _interval(span) for span in spans}
    scale, gaps, points = _scale(list(times.values()))
    critical = _critical(spans, times)
    bars: list[Bar] = []
    seen: set[str] = set()
    for span, depth in _in_order(spans, times):
        start, end = times[id(span)]
        x = scale(start)
        trace = str(span["trace_id"])
        width = round(scale(end) - x, 4)
        bars.append(Bar(span, min(depth, MAX_DEPTH), x, width, trace not in seen, id(span) in critical))
        seen.add(trace)
    return Waterfall(bars, gaps, _lanes(bars), round(points[-1][1] * 1000), points)


def view(fall: Waterfall, zoom: str) -> View:
    """The part that `zoom` names (`FROM-TO` in microseconds from the first start); all of it for any other text."""
    points = fall.points or [(0.0, 0.0), (WIDTH, 1.0)]
    asked = re.fullmatch(r"(\d{1,18})-(\d{1,18})", zoom)
    begin, end = (_place(points, int(text)) for text in asked.groups()) if asked else (0.0, WIDTH)
    least = WIDTH / _CLOSEST
    if end - begin < least:
        begin, end = max(0.0, min((begin + end - least) / 2, WIDTH - least)), 0.0
        end = begin + least
    width = end - begin

    def move(left: float, size: float) -> str:
        left = max(0.0, min(left, WIDTH - size))
        if size >= WIDTH - 0.001:
            return ""
        return f"{_time(points, left):.0f}-{_time(points, left + size):.0f}"

    moves = {
        "in": move(begin + width / 4, width / 2),
        "out": move(begin - width / 2, min(width * 2, WIDTH)),
        "left": move(begin - width / 2, width),
        "right": move(begin + width / 2, width),
    }
    places = [(100 * step // _TICKS, begin + width * step / _TICKS) for step in range(_TICKS + 1)]
    start = _time(points, begin)
    # the first tick is from the beginning of all, the others from the first
    after = [(percent, _time(points, place) - start) for percent, place in places]
    sign = "+" if start else ""
    ticks = [(percent, f"{sign}{duration(us * 1000)}" if us else duration(start * 1000)) for percent, us in after]
    return View(round(begin, 4), round(width, 4), ticks, asked is not None and width < WIDTH - 0.001, moves)


def _place(points: Sequence[tuple[float, float]], time: float) -> float:
    """Where a time stands on the drawing, in microseconds from the first start."""
    return _between([(moment, place) for place, moment in points], time)


def _time(points: Sequence[tuple[float, float]], place: float) -> float:
    """The time at a place of the drawing, in microseconds from the first start."""
    return _between(points, place)


def _between(points: Sequence[tuple[float, float]], at: float) -> float:
    """The value at `at` on the line through these points, and that of the nearest beyond its ends."""
    for (left, low), (right, high) in pairwise(points):
        if at <= right:
            share = (max(at, left) - left) / (right - left) if right > left else 0.0
            return low + (high - low) * share
    return points[-1][1]


def _lanes(bars: Sequence[Bar]) -> list[Lane]:
    """What each agent did itself: the spans below its own that are below no other agent's, and call or answer."""
    agents: dict[tuple[str, str], str] = {}
    found: dict[str, list[tuple[float, float]]] = {}
    for bar in bars:  # parents stand before their children
        span = bar.span
        agent = span.get("agent_name") or agents.get((span["trace_id"], span["parent_span_id"]), "")
        agents[span["trace_id"], span["span_id"]] = agent
        if agent and span.get("step_kind") not in ("agent", "chain", "other"):
            found.setdefault(agent, []).append((bar.x, bar.width))
    lanes = [Lane(agent, sorted(places)) for agent, places in found.items()]
    return sorted(lanes, key=lambda lane: lane.bars[0]) if len(lanes) > 1 else []


def _interval(span: Mapping[str, Any]) -> tuple[int, int]:
    start = instant(span["start_time"])
    begin = int(start.timestamp()) * 1_000_000_000 + start.microsecond * 1000
    return begin, begin + int(span["duration_ns"])


def _scale(intervals: list[tuple[int, int]]) -> tuple[Any, list[Gap], list[tuple[float, float]]]:
    """A function from a time to its place, the gaps that it condenses, and the points where its course changes."""
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
    points: list[tuple[float, float]] = []
    place, at = 0.0, first
    for start, end in [*idle, (last, last)]:
        points.append((round(place, 4), (at - first) / 1000))
        place += (start - at) * unit
        points.append((round(place, 4), (start - first) / 1000))
        if end > start:
            gaps.append(Gap(round(place, 2), round(gap, 2), end - start))
        place, at = place + gap, end

    def scale(time: int) -> float:
        return round(min(max(_place(points, (time - first) / 1000), 0.0), WIDTH), 4)

    return scale, gaps, points


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

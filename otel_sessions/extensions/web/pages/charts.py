# SPDX-License-Identifier: Apache-2.0
"""Series over time as bars and lines in units of a drawing; the templates write them as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 240.0
HEIGHT: Final = 48.0


@dataclass(frozen=True, slots=True)
class Column:
    """One interval: its place, the height of its bar, and what it says."""

    x: float
    width: float
    y: float
    height: float
    time: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A series as bars; `line` is a second series, the points of an SVG polyline, or empty."""

    name: str
    title: str
    unit: str
    """The filter that writes its values: `compact`, `money` or `duration`."""
    total: float | None
    highest: float
    columns: Sequence[Column]
    line: str = ""


def chart(
    points: Sequence[Mapping[str, Any]],
    name: str,
    title: str,
    unit: str,
    *,
    total: float | None = None,
    line: str | None = None,
) -> Chart:
    """The series `name` of `points` (each with `time`); `line` names one that is drawn over it."""
    values = [float(point.get(name) or 0) for point in points]
    over = [float(point.get(line) or 0) for point in points] if line else []
    highest = max([*values, *over], default=0.0)
    top = highest or 1.0
    step = WIDTH / max(len(points), 1)
    columns = [
        Column(
            round(index * step, 2),
            round(max(step - min(1.0, step * 0.2), 0.4), 2),
            round(HEIGHT - _height(value, top), 2),
            round(_height(value, top), 2),
            str(point["time"]),
            value,
        )
        for index, (point, value) in enumerate(zip(points, values, strict=True))
    ]
    polyline = " ".join(
        f"{(index + 0.5) * step:.1f},{HEIGHT - _height(value, top):.1f}" for index, value in enumerate(over)
    )
    return Chart(name, title, unit, total, highest, columns, polyline)


def _height(value: float, top: float) -> float:
    """The height of a bar: 0 for nothing, and enough to be seen for anything more."""
    return 0.0 if value <= 0 else max(1.5, value / top * (HEIGHT - 2))


_INTERVALS: Final = (
    ("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3_600), ("3h", 10_800), ("6h", 21_600), ("1d", 86_400),
    ("7d", 604_800), ("30d", 2_592_000), ("90d", 7_776_000), ("365d", 31_536_000),
)  # fmt: skip
_PARTS: Final = 60


def interval(seconds: float) -> tuple[str, int]:
    """The finest interval that cuts so many seconds into at most `_PARTS` parts: as a duration, and its seconds."""
    for text, length in _INTERVALS:
        if seconds / length <= _PARTS:
            return text, length
    days = math.ceil(seconds / _PARTS / 86_400)
    return f"{days}d", days * 86_400

"""A plot of what `results` keeps, CPU a span by commit: `python -m benchmarks.history` draws `results/history.svg`.

What ran beside the benchmark differs from commit to commit: compare a line with the others rather than with itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from benchmarks.suite import RESULTS

_FIGURE: Final = ": us CPU a span"
_WIDTH, _HEIGHT, _LEFT, _TOP = 1000, 460, 60, 30
_PLOT_WIDTH, _PLOT_HEIGHT = 560, 380
_LEAST, _MOST = 4.0, 512.0
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def main() -> None:
    kept = [json.loads(path.read_text()) for path in RESULTS.glob("*.json")]
    drawn = plot(sorted(kept, key=lambda each: each["begun"]))
    (RESULTS / "history.svg").write_text(drawn)


def plot(runs: list[dict[str, Any]]) -> str:
    """An SVG: a line for each figure of CPU a span, on a logarithmic scale, over the runs in order."""
    names = sorted({name for run in runs for name in run["medians"] if name.endswith(_FIGURE)})
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {view}>', '<rect width="100%" height="100%" fill="#fff"/>']
    parts += [*_grid(), *_commits(runs)]
    for number, name in enumerate(names):
        colour, dash = _COLOURS[number % len(_COLOURS)], ' stroke-dasharray="6 4"' if number >= len(_COLOURS) else ""
        found = [(_x(place, len(runs)), run["medians"].get(name)) for place, run in enumerate(runs)]
        points = [(x, _y(value)) for x, value in found if value]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colour}"/>' for x, y in points]
        y = _TOP + 20 * number
        label = escape(name.removesuffix(_FIGURE))
        parts.append(f'<text x="{_LEFT + _PLOT_WIDTH + 30}" y="{y + 12}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid() -> Iterator[str]:
    yield f'<text x="{_LEFT}" y="18">us of CPU a span, all processes</text>'
    value = _LEAST
    while value <= _MOST:
        y = _y(value)
        yield f'<line x1="{_LEFT}" x2="{_LEFT + _PLOT_WIDTH}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{value:g}</text>'
        value *= 2


def _commits(runs: list[dict[str, Any]]) -> Iterator[str]:
    for place, run in enumerate(runs):
        x = _x(place, len(runs))
        yield f'<text x="{x:.0f}" y="{_TOP + _PLOT_HEIGHT + 22}" text-anchor="middle">{escape(run["commit"])}</text>'
        load = f"load {run['load_average'][0]:.0f}"
        yield f'<text x="{x:.0f}" y="{_TOP + _PLOT_HEIGHT + 40}" text-anchor="middle" fill="#777">{load}</text>'


def _x(place: int, runs: int) -> float:
    return _LEFT + _PLOT_WIDTH * (place + 1) / (runs + 1)


def _y(value: float) -> float:
    share = math.log(value / _LEAST) / math.log(_MOST / _LEAST)
    return _TOP + _PLOT_HEIGHT * (1 - min(1.0, max(0.0, share)))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Figures and texts as people read them on a terminal: relative times, costs, bars, and nothing that commands it."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime

from rich.console import Console

BAR_WIDTH = 32
_PIPE_WIDTH = 140
_RELEASE = re.compile(r"[-@](\d{8}|\d{4}-\d\d-\d\d)$")
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_ZERO_WIDTH_JOINER = "\u200d"  # within emoji


def console() -> Console:
    """A console on standard output; where that is no terminal, wide enough for a log and without colours."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    terminal = sys.stdout.isatty()
    width = None if terminal or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width, force_terminal=terminal)


def plain(text: str) -> str:
    """The text on one line, and without anything that a terminal would take for a command."""
    return "".join(
        char if char.isprintable() or char == _ZERO_WIDTH_JOINER else f"\\u{ord(char):04x}"
        for char in " ".join(text.split())
    )


def moment(text: str) -> datetime:
    """The time, in UTC, that a text of `queries` stands for."""
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)


def ago(then: datetime, now: datetime) -> str:
    """How long ago; the date for what is over 30 days old or in the future."""
    seconds = (now - then).total_seconds()
    if not -60 < seconds < 30 * 86_400:
        return f"{then:%Y-%m-%d}"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"


def duration(nanoseconds: int) -> str:
    """A duration in its two largest units: `1 h 5 min`, `2.5 s`."""
    seconds = nanoseconds / 1e9
    if seconds < 0.9995:
        return f"{seconds * 1000:.{1 if 0.00005 <= seconds < 0.00095 else 0}f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    while parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{count} {unit}" for count, unit in parts[:2])


def cost(dollars: float) -> str:
    """A cost to the hundredth of a cent, `-` for none: `$0.0125`."""
    if dollars <= 0:
        return "-"
    if dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:,.4f}" if dollars < 100 else f"${dollars:,.2f}"


def count(number: int, word: str) -> str:
    """`1 span`, `2,000 spans`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def size(nbytes: float) -> str:
    """A number of bytes in a unit that suits it: `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if nbytes < 1024:
            return f"{nbytes:.0f} B" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1024
    return f"{nbytes:.1f} TiB"


def bar(value: int, most: int, *, width: int = BAR_WIDTH, ascii_only: bool = False) -> str:
    """A bar whose length shows `value`, `width` characters for `most`; empty for 0 alone."""
    eighths = max(1, round(value / most * width * 8)) if value else 0
    if ascii_only:
        return "#" * -(-eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def model(name: str) -> str:
    """A model without the date of its release: `gpt-4.1-mini-2025-04-14` is `gpt-4.1-mini`."""
    return _RELEASE.sub("", name)

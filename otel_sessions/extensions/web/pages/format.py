# SPDX-License-Identifier: Apache-2.0
"""How figures, times and texts are written on a page: the filters of the templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup, escape

_FRACTION: Final = re.compile(r"(\.\d{6})\d+")
_NS: Final = 1_000_000_000


def instant(text: str | datetime) -> datetime:
    """The moment of an RFC 3339 text, to the microsecond, in UTC."""
    if isinstance(text, datetime):
        return text if text.tzinfo else text.replace(tzinfo=UTC)
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text)).astimezone(UTC)


def clock(text: str | datetime, *, date: bool = True) -> Markup:
    """A `<time>` element that reads in UTC without a script; the page's script puts it into the viewer's zone."""
    moment = instant(text)
    shown = moment.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")
    iso = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return Markup('<time datetime="{}" title="{} UTC" data-clock="{}">{}</time>').format(
        iso, moment.strftime("%Y-%m-%d %H:%M:%S.%f"), "date" if date else "time", shown
    )


def ago(text: str | datetime, now: datetime) -> Markup:
    """A `<time>` element that says how long ago a moment was, as in `5 min ago`, or its day."""
    moment = instant(text)
    past = (now - moment).total_seconds()
    if past < 0 or past >= 30 * 86_400:
        shown = moment.strftime("%Y-%m-%d")
    else:
        shown = "just now"
        for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
            if past >= size:
                shown = f"{int(past // size)} {unit} ago"
                break
    return Markup('<time datetime="{}" title="{} UTC" data-clock="title">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), moment.strftime("%Y-%m-%d %H:%M:%S"), shown
    )


def duration(ns: float | None) -> str:
    """A duration in nanoseconds, two units at most: `12 µs`, `0.4 ms`, `12.3 s`, `3 min 12 s`, `3 d 4 h`."""
    if ns is None:
        return ""
    if 0 < ns < 95_000:
        return f"{ns / 1000:.0f} µs" if ns >= 1000 else f"{ns:.0f} ns"
    if ns < _NS - 500_000:
        ms = ns / 1_000_000
        return f"{ms:.0f} ms" if ms >= 10 or ms == 0 else f"{ms:.1f} ms"
    seconds = ns / _NS
    if seconds < 60:
        return f"{seconds:.1f} s"
    for size, unit, small, small_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole:,} {unit} {rest // small} {small_unit}" if rest // small else f"{whole:,} {unit}"
    raise AssertionError(ns)


def number(value: float | None) -> str:
    """A count with separators of thousands."""
    return "" if value is None else f"{value:,.0f}"


def compact(value: float | None) -> str:
    """A count in three digits: `950`, `12.3k`, `4.56M`."""
    if value is None:
        return ""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            scaled = value / size
            return f"{scaled:.3g}{unit}" if scaled < 999.5 else f"{scaled:,.0f}{unit}"
    return f"{value:g}" if value == int(value) else f"{value:.3g}"


def money(usd: float | None) -> str:
    """US dollars to what matters: `$0`, `$0.000052`, `$0.0340`, `$12.40`, `$1,204`."""
    if usd is None:
        return ""
    if usd == 0:
        return "$0"
    if usd < 0.000_001:
        return "< $0.000001"
    if usd < 0.1:
        return f"${usd:.4f}" if usd >= 0.0001 else f"${usd:.6f}".rstrip("0")
    return f"${usd:,.2f}" if usd < 1000 else f"${usd:,.0f}"


def size(nbytes: int) -> str:
    """Bytes or characters: `812 B`, `4.1 kB`, `2.3 MB`."""
    for unit_size, unit in ((1_000_000, "MB"), (1_000, "kB")):
        if nbytes >= unit_size:
            return f"{nbytes / unit_size:.1f} {unit}"
    return f"{nbytes} B"


def plural(count: int, word: str, words: str | None = None) -> str:
    """`1 turn`, `3 turns`."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def part(text: str) -> str:
    """A text as one segment of a path, a slash in it included."""
    return quote(text, safe="")


def first_words(text: str, length: int = 90) -> str:
    """The beginning of a text on one line, cut between words."""
    line = " ".join(text[: length * 4].split())
    if len(line) <= length:
        return line
    cut = line[:length].rsplit(" ", 1)[0] if " " in line[: length // 2] else line[:length]
    return cut.rstrip(" ,.;:") + "…"


def quoted(value: str) -> str:
    """A value as the query language wants it: as it is, or in double quotes."""
    if value and all(char.isalnum() or char in "._-/:@+" for char in value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def link_text(text: str) -> Markup:
    """A text that cannot reorder what is around it: what it hides is made visible."""
    return Markup("<bdi>{}</bdi>").format(visible(text))


def visible(text: str) -> str:
    """The text with control and bidirectional formatting characters written as escapes; line ends and tabs stay."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


_HIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def window_start(window: str, now: datetime) -> datetime | None:
    """Where a relative window (`15m`, `24h`, `7d`) begins; None for `all`."""
    found = re.fullmatch(r"(\d{1,5})([mhd])", window)
    if not found:
        return None
    unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
    return now - timedelta(**{unit: int(found[1])})


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "ago": ago,
    "clock": clock,
    "compact": compact,
    "duration": duration,
    "first_words": first_words,
    "link_text": link_text,
    "money": money,
    "number": number,
    "part": part,
    "plural": plural,
    "quoted": quoted,
    "size": size,
    "visible": visible,
    "escaped": escape,
}

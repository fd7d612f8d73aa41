"""Sessions as people read them on a terminal: tables, relative times, bars."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from otel_sessions.queries.rows import Row

_PIPE_WIDTH = 140
_WIDE = 110
_BAR_WIDTH = 32
_TURN_FIGURES = 8 + 10 + 9 + 9 + 6 + 5 * 2  # columns of time, duration, tokens, cost and errors
_MAX_FILLED = 120
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_ZERO_WIDTH_JOINER = "\u200d"  # within emoji


def console() -> Console:
    """Of standard output; where that is no terminal, wide enough for a log and without colours."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    fixed = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, markup=False, emoji=False, width=None if fixed else _PIPE_WIDTH)


def sessions_table(rows: Iterable[Row], now: datetime, width: int) -> Table:
    """A row a session, for a console of this width; the models are shown where there is room for them."""
    wide = width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("session", overflow="fold", style="cyan")
    table.add_column("last active", no_wrap=True)
    for name in ("turns", "spans", "errors", "tokens", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("users", overflow="fold")
    if wide:
        table.add_column("models", overflow="fold", style="dim")
    for row in rows:
        table.add_row(
            plain(row["SessionId"]),
            ago(moment(row["EndTime"]), now),
            f"{row['TraceCount']:,}",
            f"{row['SpanCount']:,}",
            _errors(row["ErrorCount"]),
            f"{row['TotalTokens']:,}",
            cost(row["Cost"]),
            plain(", ".join(row["UserIds"])),
            *([plain(", ".join(row["Models"]))] if wide else []),
        )
    return table


def session_header(row: Row, now: datetime) -> Table:
    """The figures of one session."""
    start, end = moment(row["StartTime"]), moment(row["EndTime"])
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("session", Text(plain(row["SessionId"]), "cyan"))
    for label, column in (("users", "UserIds"), ("services", "ServiceNames"), ("environments", "Environments")):
        _add_list(table, label, row[column])
    _add_list(table, "models", row["Models"])
    _add_list(table, "tags", row["Tags"])
    table.add_row("active", f"{start:%Y-%m-%d %H:%M:%S} UTC for {duration(row['Duration'])}, last {ago(end, now)}")
    table.add_row("turns", f"{row['TraceCount']:,} ({row['SpanCount']:,} spans)")
    table.add_row("errors", _errors(row["ErrorCount"]))
    tokens = f"{row['TotalTokens']:,} ({row['InputTokens']:,} in, {row['OutputTokens']:,} out)"
    table.add_row("tokens", tokens)
    table.add_row("cost", cost(row["Cost"]))
    return table


def turns_table(rows: Iterable[Row], width: int) -> Table:
    """A turn in three lines, its name, input and output, for a console of this width."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("time", no_wrap=True)
    table.add_column("turn", no_wrap=True, overflow="ellipsis", width=max(20, min(90, width - _TURN_FIGURES)))
    for name in ("took", "tokens", "cost", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{moment(row['StartTime']):%H:%M:%S}",
            Text.assemble((plain(row["Name"]), "bold"), *_said(">", row["Input"]), *_said("<", row["Output"])),
            duration(row["Duration"]),
            f"{row['TotalTokens']:,}",
            cost(row["Cost"]),
            _errors(row["ErrorCount"]),
        )
    return table


def timeline_table(rows: Sequence[Row], *, ascii_only: bool = False) -> Table:
    """A row a minute with a bar of its spans; minutes without any are shown where they are few."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("minute", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=_BAR_WIDTH)
    for name in ("turns", "spans", "errors", "tokens", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    by_minute = {moment(row["Minute"]): row for row in rows}
    most = max((row["SpanCount"] for row in rows), default=0)
    several_days = len({minute.date() for minute in by_minute}) > 1
    for minute in _minutes(sorted(by_minute)):
        label = f"{minute:%Y-%m-%d %H:%M}" if several_days else f"{minute:%H:%M}"
        found = by_minute.get(minute)
        if found is None:
            table.add_row(Text(label, "dim"))
            continue
        table.add_row(
            label,
            Text(bar(found["SpanCount"], most, ascii_only=ascii_only), "red" if found["ErrorCount"] else "green"),
            f"{found['TraceCount']:,}",
            f"{found['SpanCount']:,}",
            _errors(found["ErrorCount"]),
            f"{found['InputTokens'] + found['OutputTokens']:,}",
            cost(found["Cost"]),
        )
    return table


def plain(text: str) -> str:
    """The text on one line, and without anything that a terminal would take for a command."""
    return "".join(_shown(char) for char in " ".join(text.split()))


def moment(text: str) -> datetime:
    """Of a time as `queries` gives it."""
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
    """In the two units that matter."""
    seconds = nanoseconds / 1e9
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
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
    """To the hundredth of a cent, where there is any."""
    if dollars <= 0:
        return "-"
    if dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:,.4f}" if dollars < 100 else f"${dollars:,.2f}"


def bar(value: int, most: int, *, width: int = _BAR_WIDTH, ascii_only: bool = False) -> str:
    """As long as `value` is of `most`; never empty for what is not nothing."""
    eighths = max(1, round(value / most * width * 8)) if value else 0
    if ascii_only:
        return "#" * -(-eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _said(sign: str, text: str) -> tuple[tuple[str, str], ...]:
    return ((f"\n{sign} ", "dim"), (plain(text), "")) if text else ()


def _errors(count: int) -> Text:
    return Text(f"{count:,}", "bold red" if count else "dim")


def _add_list(table: Table, label: str, values: Sequence[str]) -> None:
    if values:
        table.add_row(label, plain(", ".join(values)))


def _minutes(found: list[datetime]) -> list[datetime]:
    if not found or found[-1] - found[0] > timedelta(minutes=_MAX_FILLED):
        return found
    count = int((found[-1] - found[0]).total_seconds()) // 60
    return [found[0] + timedelta(minutes=number) for number in range(count + 1)]


def _shown(char: str) -> str:
    return char if char.isprintable() or char == _ZERO_WIDTH_JOINER else f"\\u{ord(char):04x}"

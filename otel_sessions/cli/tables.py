# SPDX-License-Identifier: Apache-2.0
"""Sessions, their turns, spans and minutes, for a terminal of a given width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from otel_sessions.cli.render import BAR_WIDTH, ago, bar, cost, duration, model, moment, plain
from otel_sessions.queries.rows import Row

_WIDE = 110
_MAX_FILLED = 120
_DEEPEST = 20
_FIGURES = 37  # columns of duration, tokens, cost and errors


def sessions_table(rows: Iterable[Row], now: datetime, width: int) -> Table:
    """A row a session; on a narrow console users and models share a column, and the number of spans is left out."""
    wide = width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2 if wide else 1, 0, 0))
    table.add_column("session", overflow="fold", style="cyan")
    table.add_column("last active", no_wrap=True)
    for name in ("turns", "spans", "errors", "tokens", "cost") if wide else ("turns", "errors", "tokens", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("users" if wide else "users, models", overflow="fold")
    if wide:
        table.add_column("models", overflow="fold", style="dim")
    for row in rows:
        users = plain(", ".join(row["UserIds"]))
        models = [plain(name) for name in dict.fromkeys(map(model, row["Models"]))]
        together = Text("\n").join(filter(None, [Text(users), *(Text(name, "dim") for name in models)]))
        table.add_row(
            plain(row["SessionId"]),
            ago(moment(row["EndTime"]), now),
            f"{row['TraceCount']:,}",
            *([f"{row['SpanCount']:,}"] if wide else []),
            _errors(row["ErrorCount"]),
            f"{row['TotalTokens']:,}",
            cost(row["Cost"]),
            *([users, ", ".join(models)] if wide else [together]),
        )
    return table


def session_header(row: Row, scores: Sequence[Row], now: datetime) -> Table:
    """The figures of one session, and the scores on the whole of it."""
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
    table.add_row(
        "turns", f"{row['TraceCount']:,} ({row['SpanCount']:,} {'span' if row['SpanCount'] == 1 else 'spans'})"
    )
    table.add_row("errors", _errors(row["ErrorCount"]))
    tokens = f"{row['TotalTokens']:,} ({row['InputTokens']:,} in, {row['OutputTokens']:,} out)"
    table.add_row("tokens", tokens)
    table.add_row("cost", cost(row["Cost"]))
    _add_list(table, "scores", [score_text(score) for score in scores])
    return table


def turns(
    rows: Sequence[Row],
    width: int,
    *,
    full: bool = False,
    scores: Mapping[str, Sequence[Row]] | None = None,
    spans: Mapping[str, Sequence[Row]] | None = None,
) -> Group:
    """A turn a paragraph: its figures, then a line each of what went in, what came out, its last error and its scores.

    The time has a date where the turns are of several days. With `full` texts are not cut to the width. `scores` and
    `spans` are by trace id; spans are shown as a tree.
    """
    from otel_sessions.genai.json_text import question  # noqa: PLC0415 - a list shows no turns

    times = [moment(row["StartTime"]) for row in rows]
    form = "%Y-%m-%d %H:%M:%S" if len({time.date() for time in times}) > 1 else "%H:%M:%S"
    lines: list[RenderableType] = []
    if rows:
        label = "time".ljust(len(f"{times[0]:{form}}"))
        lines.append(_turn_line(label, Text("turn", "bold"), ("took", "tokens", "cost", "errors"), width, "bold"))
    for row, time in zip(rows, times, strict=True):
        errors = f"{row['ErrorCount']:,}"
        figures = (duration(row["Duration"]), f"{row['TotalTokens']:,}", cost(row["Cost"]), errors)
        style = "bold red" if row["ErrorCount"] else "dim"
        lines.append(_turn_line(f"{time:{form}}", Text(plain(row["Name"]), "bold"), figures, width, style))
        lines += _said(">", question(row["Input"]), width, full)
        lines += _said("<", row["Output"], width, full)
        lines += _said("!", row.get("LastError", ""), width, full, "red")
        given = (scores or {}).get(row["TraceId"], ())
        lines += _said("*", ", ".join(map(score_text, given)), width, full, "yellow")
        if spans is not None:
            lines.append(Padding(span_tree(spans.get(row["TraceId"], ())), (0, 0, 0, 2), expand=False))
    return Group(*lines)


def span_tree(rows: Sequence[Row]) -> Tree:
    """The spans of one trace, each below its parent; those whose parent is not among them stand at the top."""
    tree = Tree("", hide_root=True, guide_style="dim")
    known = {row["SpanId"] for row in rows}
    below: dict[str, list[Row]] = {}
    for row in rows:
        parent = row["ParentSpanId"] if row["ParentSpanId"] != row["SpanId"] else ""
        below.setdefault(parent if parent in known else "", []).append(row)
    waiting = [(row, tree, 1) for row in reversed(below.pop("", []))]
    while waiting or below:
        if not waiting:  # a circle of parents
            waiting = [(row, tree, 1) for row in below.pop(next(iter(below)))]
        row, above, depth = waiting.pop()
        line = Text.assemble(
            (plain(row["SpanName"]), "bold red" if row["Error"] else "bold"), f"  {duration(row['Duration'])}"
        )
        if row["Model"] and model(row["Model"]) not in row["SpanName"]:
            line.append(f"  {plain(row['Model'])}")
        if row["TotalTokens"]:
            line.append(f"  {row['TotalTokens']:,} tokens  {cost(row['Cost'])}", "dim")
        if row["Error"]:
            line.append(f"  ! {plain(row['Error'])}", "red")
        line.no_wrap, line.overflow = True, "ellipsis"
        node = above.add(line)
        shown_in = node if depth < _DEEPEST else above
        waiting += [(child, shown_in, depth + 1) for child in reversed(below.pop(row["SpanId"], []))]
    return tree


def timeline_table(rows: Sequence[Row], *, ascii_only: bool = False) -> Table:
    """A row a minute with a bar of its spans; minutes without any are shown where they are few."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("minute", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=BAR_WIDTH)
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


def parts_table(rows: Sequence[Row]) -> Table:
    """A row a part of a session that long pauses divide."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("part", "start", "idle before", "took", "turns", "spans", "errors", "tokens", "cost"):
        table.add_column(name, justify="left" if name == "start" else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row['Part']}",
            f"{moment(row['StartTime']):%Y-%m-%d %H:%M:%S}",
            duration(row["Gap"]) if row["Gap"] else "",
            duration(row["Duration"]),
            f"{row['TraceCount']:,}",
            f"{row['SpanCount']:,}",
            _errors(row["ErrorCount"]),
            f"{row['TotalTokens']:,}",
            cost(row["Cost"]),
        )
    return table


def score_text(score: Row) -> str:
    """`quality 0.9`, `tone kind`, and its comment in parentheses."""
    value = score["StringValue"] if score["DataType"] in {"CATEGORICAL", "TEXT", "BOOLEAN"} else f"{score['Value']:g}"
    return f"{score['Name']} {value}" + (f" ({score['Comment']})" if score["Comment"] else "")


def _turn_line(time: str, name: Text, figures: Sequence[str], width: int, errors_style: str) -> Text:
    took, tokens, cost_, errors = figures
    name.truncate(max(8, width - len(time) - 2 - _FIGURES), overflow="ellipsis", pad=True)
    line = Text.assemble(time, "  ", name, f"{took:>10}{tokens:>10}{cost_:>10}", (f"{errors:>7}", errors_style))
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _said(sign: str, text: str, width: int, full: bool, style: str = "") -> Iterator[Text]:
    if not text:
        return
    parts = text.splitlines() if full else [text]
    for part in parts:
        line = Text.assemble((f"  {sign} ", "dim"), (plain(part), style))
        if not full:
            line.truncate(width, overflow="ellipsis")
        yield line


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

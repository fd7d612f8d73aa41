"""All that the views of sessions say, held against the oracle, row by row and column by column."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.rows import STORED
from otel_sessions.pdata import SCHEMA
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.language import Condition
from otel_sessions.queries.rows import composed, run
from otel_sessions.testing.oracle import Identity, OracleSpan
from otel_sessions.testing.oracle_views import OracleScore, Rows, trace_times, views

MINUTE: Final = 60 * 10**9
HOUR: Final = 60 * MINUTE
KEYS: Final = {
    "sessions": ("Project", "SessionId"),
    "session_traces": ("Project", "SessionId", "TraceId"),
    "session_timeline": ("Project", "SessionId", "Minute"),
    "session_parts": ("Project", "SessionId", "Part"),
    "session_users": ("Project", "UserId"),
    "session_spans": ("Project", "TraceId", "SpanId"),
    "session_scores": ("Project", "SessionId", "ScoreId"),
}
"""What tells the rows of each view apart."""
OF_SCORES: Final = {"TraceId", "SpanId"}
OF_SPANS: Final = {"SessionId", "SessionSource", "StepKind", "StepName", "AgentName", "mark"}
"""The other columns of session_spans are those of otel_traces, and must be equal to them."""


def differences(
    client: Client, spans: Iterable[OracleSpan], scores: Iterable[OracleScore] = (), split_after_ns: int = 0
) -> list[str]:
    """How the views of a project depart from what is right for spans that are stored, of some with two versions."""
    stored = list(dict.fromkeys(spans))
    project = stored[0].project if stored else ""
    counted = versions_that_count(client, project, stored)
    wanted = views(counted, scores, split_after_ns)
    found = [line for name in KEYS for line in _compared(name, wanted[name], read(client, name, project))]
    times = _read(client, "otel_traces_trace_id_ts", ("TraceId",), "1")
    wanted_times = trace_times(stored)
    found += _compared(
        "otel_traces_trace_id_ts", wanted_times, {key: row for key, row in times.items() if key in wanted_times}
    )
    return found + list(_altered(client, project))


def versions_that_count(client: Client, project: str, stored: Iterable[OracleSpan]) -> list[OracleSpan]:
    """Of each identity one version: the one that is shown, as any of them is right."""
    query = "SELECT TraceId, SpanId, SpanAttributes['test.mark'] FROM session_spans WHERE Project = {p:String}"
    shown = {tuple(row[:2]): row[2] for row in client.query(query, {"p": project}).result_rows}
    of_identity: defaultdict[Identity, list[OracleSpan]] = defaultdict(list)
    for span in stored:
        of_identity[span.identity].append(span)
    return [
        next((span for span in group if span.mark == shown.get(identity[1:])), group[0])
        for identity, group in of_identity.items()
    ]


def read(client: Client, name: str, project: str) -> Rows:
    """The rows of a view, times in ns."""
    return _read(client, name, KEYS[name], "Project = {p:String}", project)


def _read(client: Client, name: str, keys: tuple[str, ...], where: str, project: str = "") -> Rows:
    columns = []
    for column, type_, *_ in client.query(f"DESCRIBE {name}").result_rows:
        if name == "session_spans" and column not in (*OF_SPANS, *KEYS[name]):
            continue
        columns.append(f"toUnixTimestamp64Nano({column}) AS {column}" if type_.startswith("DateTime64") else column)
    if name == "session_spans":
        columns.append("SpanAttributes['test.mark'] AS mark")
    if name == "session_scores":
        columns = [column for column in columns if column in (*KEYS[name], *OF_SCORES)]
    sql = f"SELECT {', '.join(columns)} FROM {name} AS v WHERE {where}"
    rows: Rows = {}
    for row in client.query(sql, {"p": project}).named_results():
        key = tuple(str(row.pop(column)) for column in keys)
        assert key not in rows, f"{name} has {key} twice"
        rows[key] = row
    return rows


def _compared(name: str, wanted: Rows, got: Rows) -> Iterator[str]:
    for key in wanted.keys() ^ got.keys():
        yield f"{name} {key}: {'is not there' if key in wanted else 'should not be there'}"
    for key in wanted.keys() & got.keys():
        for column in wanted[key].keys() | got[key].keys():
            right, said = _value(wanted[key], column), _value(got[key], column)
            if right != said:
                yield f"{name} {key} {column}: {said!r} instead of {right!r}"


def _value(row: Mapping[str, Any], column: str) -> Any:
    value = row.get(column, "no such column")
    return list(value) if isinstance(value, tuple) else value


def _altered(client: Client, project: str) -> Iterator[str]:
    """Spans that are shown otherwise than they are stored."""
    stored = {row[0] for row in client.query("DESCRIBE otel_traces").result_rows}
    columns = [row[0] for row in client.query("DESCRIBE session_spans").result_rows if row[0] in stored]
    listed = ", ".join(f"`{column}`" for column in columns)
    missing = {"SessionHint", "ReceivedAt", *(set(STORED.names) - set(SCHEMA.names))} ^ (stored - set(columns))
    if missing:
        yield f"session_spans lacks {missing}"
    hashed = f"SELECT cityHash64(toString(({listed}))) FROM"
    where = "WHERE Project = {p:String}"
    query = f"SELECT count() FROM ({hashed} session_spans {where} EXCEPT {hashed} otel_traces {where})"
    [[count]] = client.query(query, {"p": project}).result_rows
    if count:
        yield f"session_spans: {count} spans are not as they are stored"


OF_METADATA: Final = (
    "metadata.k:one",
    "metadata.k:one,two",
    f'metadata.k:"{"many " * 20}"',
    "metadata.k:t*",
    "metadata.l>5",
    "has:metadata",
    "has:error,metadata",
    "-metadata.k:one",
    "-metadata.k:*",
    "-metadata.l<=7",
    "-has:metadata",
    "-(metadata.k:one OR -metadata.l:two)",
    "-(metadata.k:one metadata.l:two) tag:a",
)


def missed_by_bounds(client: Client, project: str) -> list[str]:
    """Sessions for which a question about metadata is answered with yes by the views and with no by bounds."""
    chosen = [Filter(query=query) for query in OF_METADATA]
    wanted = _answers(
        client,
        project,
        [each.condition(0) for each in chosen],
        "SELECT SessionId, ANSWERS AS Bound FROM sessions WHERE Project = {project:String}",
    )
    missed = []
    for with_texts in (False, True):
        supersets = [each.superset(0, with_texts=with_texts) for each in chosen]
        found = _answers(client, project, supersets, composed("list_bounds", KEY="ANSWERS", SUPERSET="1"))
        missed += [
            f"{session}: {query}"
            for session, answers in wanted.items()
            for query, is_wanted, may_be in zip(OF_METADATA, answers, found[session], strict=True)
            if is_wanted and not may_be
        ]
    return missed


def missed_by_spells(client: Client, project: str, rnd: random.Random, number: int = 60) -> list[str]:
    """Sessions of which a turn is in a window of time and which bounds leave out.

    Windows are at the ends of turns, in their midst, and at minutes and hours.
    """
    sql = (
        "SELECT SessionId, toUnixTimestamp64Nano(StartTime) AS First, toUnixTimestamp64Nano(EndTime) AS Last"
        " FROM session_traces WHERE Project = {project:String}"
    )
    turns = [(row["SessionId"], row["First"], row["Last"]) for row in run(client, sql, {"project": project})]
    moments = {time for _, first, last in turns for time in (first - 1, first, (first + last) // 2, last, last + 1)}
    moments |= {time // unit * unit + near for time in moments for unit in (MINUTE, HOUR) for near in (-1, 0)}
    begins = [max(0, time) for time in rnd.sample(sorted(moments), min(number, len(moments)))]
    windows = [(begin, begin + rnd.choice([0, 1, MINUTE, HOUR // 2, HOUR - 1, HOUR, 5 * HOUR])) for begin in begins]
    missed = []
    for some in (windows[first : first + 75] for first in range(0, len(windows), 75)):  # a form has so many fields
        supersets = [Filter(from_ns=low, to_ns=high).superset(0) for low, high in some]
        found = _answers(client, project, supersets, composed("list_bounds", KEY="ANSWERS", SUPERSET="1"))
        missed += [
            f"{session}: {low} to {high}"
            for session, first, last in turns
            for (low, high), may_be in zip(some, found[session], strict=True)
            if last >= low and first <= high and not may_be
        ]
    return missed


def _answers(client: Client, project: str, conditions: Iterable[Condition], sql: str) -> dict[str, list[int]]:
    """What each session answers to each of the conditions, in the place of ANSWERS."""
    columns, parameters = [], {"project": project, "limit": 10_000}
    for number, each in enumerate(conditions):
        columns.append(f"toUInt8({each.sql})".replace("{q", f"{{c{number}q"))
        parameters |= {f"c{number}{name}" if name[0] == "q" else name: value for name, value in each.parameters.items()}
    rows = run(client, sql.replace("ANSWERS", f"[{', '.join(columns)}]"), parameters)
    return {row["SessionId"]: row["Bound"] for row in rows}

# SPDX-License-Identifier: Apache-2.0
"""The tools: what each is told, and what it answers within its budget.

Every tool only reads, one project, and takes what the REST route of its name takes. What sessions hold stands in
members of the answer and nowhere else: names and descriptions of tools are written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from pydantic import Field, StringConstraints

from otel_sessions.clickhouse.surface import Client
from otel_sessions.extensions.web.api.operation import Parameters
from otel_sessions.extensions.web.api.parameters import Fields, Limit, Listed, PagedTexts, Preview
from otel_sessions.extensions.web.api.questions import Metrics, measured, shown_fields
from otel_sessions.extensions.web.api.sessions import session_of, sessions_of
from otel_sessions.extensions.web.mcp.budget import (
    LEVELS,
    MAX_TOKENS,
    MIN_TOKENS,
    Level,
    first_that_fits,
    fits,
    fold,
    fold_rows,
    with_fewer,
)
from otel_sessions.extensions.web.mcp.replay import replay
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import shapes, steps
from otel_sessions.queries.history import Memory
from otel_sessions.queries.metrics import metrics
from otel_sessions.queries.replay import turns
from otel_sessions.queries.rows import Row
from otel_sessions.queries.statements import describe_tables, run_statement

MaxTokens = Annotated[int, Field(ge=MIN_TOKENS, le=MAX_TOKENS)]
Name = Annotated[str, StringConstraints(min_length=1)]
DEFAULT_TOKENS: Final = 8000
_SHORT: Final = (80, 8)
_LEAST_OF_A_SESSION: Final = 100
_LEAST_OF_A_TURN: Final = 150
"""Tokens: more rows than have these are not read, as they would not fit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and when. `memory` is one for all calls."""

    project: str
    now_ns: int
    memory: Memory


class FindSessions(Listed):
    max_tokens: MaxTokens = DEFAULT_TOKENS
    limit: Limit = 20


def find_sessions(client: Client, asked: Asked, wanted: FindSessions) -> Row:
    def page(limit: int) -> Row:
        return sessions_of(client, asked.project, wanted.model_copy(update={"limit": limit}), asked.now_ns)

    def smallest(found: Row) -> Row:
        return fold_rows(found, "sessions", _SHORT)

    def answers() -> Iterator[Row]:
        whole = fewer = page(_most(wanted.limit, wanted.max_tokens, _LEAST_OF_A_SESSION))
        for level in (*LEVELS[1:4], _SHORT):
            yield fold_rows(whole, "sessions", level)
        for fewer in with_fewer(page, whole, len(whole["sessions"]), smallest, wanted.max_tokens):
            yield smallest(fewer)
        ids = [{"session_id": each["session_id"]} for each in fewer["sessions"]]
        yield {"sessions": ids, "next_cursor": fewer["next_cursor"], "folded": "read_session opens one"}

    return first_that_fits(answers(), wanted.max_tokens)


class ReadSession(PagedTexts):
    session_id: Name
    fields: Fields = shapes.DEFAULT_GROUPS
    max_tokens: MaxTokens = DEFAULT_TOKENS


def read_session(client: Client, asked: Asked, wanted: ReadSession) -> Row:
    scope: Any = {"project": asked.project, "session_id": wanted.session_id}
    about: Row = {"session_id": wanted.session_id}
    if wanted.cursor is None:
        about = session_of(client, **scope, now_ns=asked.now_ns, fields=wanted.fields, preview=wanted.preview)
    more: Any = {"cursor": wanted.cursor, "preview": wanted.preview, "memory": asked.memory}

    def page(limit: int) -> Row:
        return {"session": about, **turns(client, **scope, limit=limit, **more)}

    most = _most(wanted.limit, wanted.max_tokens, _LEAST_OF_A_TURN)
    return first_that_fits(replay(page, most, wanted.max_tokens), wanted.max_tokens)


def _most(limit: int, max_tokens: int, least: int) -> int:
    return min(limit, max(1, max_tokens // least))


class ReadStep(Parameters):
    trace_id: Name
    span_id: Name
    preview: Preview = None
    max_tokens: MaxTokens = DEFAULT_TOKENS


def read_step(client: Client, asked: Asked, wanted: ReadStep) -> Row:
    found = steps.read_step(client, project=asked.project, trace_id=wanted.trace_id, span_id=wanted.span_id)
    if found is None:
        raise NotFound("no session has this span; read_session names those that there are")
    if wanted.preview is not None:
        found = fold(found, (wanted.preview, 10_000))
    step: Row = found

    def answers() -> Iterator[Row]:
        yield {"step": step}
        for level in ((100_000, 10_000), *LEVELS):
            yield {"step": _folded_step(step, level, recent=4)}
        yield {"step": _folded_step(step, (60, 8), recent=1)}
        bare = {name: value for name, value in step.items() if not isinstance(value, list | dict)}
        yield {"step": fold(bare, (60, 8)), "folded": "ask with more max_tokens for what was said"}

    return first_that_fits(answers(), wanted.max_tokens)


def _folded_step(step: Row, level: Level, *, recent: int) -> Row:
    """History before its last messages is shorter than these, and attributes than what they say as messages."""
    short = (max(60, level[0] // 8), max(8, level[1] // 8))
    folded = fold(step, level)
    given = step["messages_in"]
    older = [fold(each, short) for each in given[:-recent]][-short[1] :]
    if len(older) + recent < len(given):
        folded["messages_in_length"] = len(given)
    folded["messages_in"] = older + [fold(each, level) for each in given[-recent:]]
    for name in ("attributes", "resource_attributes", "events"):
        folded[name] = fold(step[name], short)
    return cast(Row, folded)


class AskMetrics(Metrics):
    max_tokens: MaxTokens = DEFAULT_TOKENS


def ask_metrics(client: Client, asked: Asked, wanted: AskMetrics) -> Row:
    groups = metrics(client, measured(asked.project, wanted), now_ns=asked.now_ns)

    def answers() -> Iterator[Row]:
        whole: Row = {"groups": groups}
        yield whole
        hint = "fewer points: a longer interval, a shorter window or a smaller top shows all"
        for points in (1000, 300, 100, 30, 10, 3, 0):
            yield fold_rows({**whole, "folded": hint}, "groups", (200, points))
        for number in (300, 100, 30, 10, 3, 1):
            yield {"groups": [fold(each, (60, 0)) for each in groups[:number]], "groups_length": len(groups)}

    return first_that_fits(answers(), wanted.max_tokens)


_NO_ROW: Final[Row] = {"folded": "no row fits: SELECT fewer columns, cut texts, or raise max_tokens"}
_NOT_ALL: Final = "not all fits into max_tokens: aggregate, SELECT fewer columns, or go on by LIMIT and OFFSET"


class QuerySql(Parameters):
    sql: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    max_tokens: MaxTokens = DEFAULT_TOKENS


def query_sql(client: Client, asked: Asked, wanted: QuerySql) -> Row:
    found = run_statement(client, project=asked.project, sql=wanted.sql)
    columns = [{"name": name, "type": type_} for name, type_ in found.columns]

    def page(number: int) -> Row:
        has_more = found.has_more or number < len(found.rows)
        return {"columns": columns, "rows": found.rows[:number], "row_count": number, "has_more": has_more}

    def shown(answer: Row, level: Level) -> Row:
        return {**answer, "rows": [[fold(each, level, is_open=True) for each in row] for row in answer["rows"]]}

    def answers() -> Iterator[Row]:
        whole = fewer = page(len(found.rows))
        yield whole
        for level in LEVELS[1:4]:
            yield shown(whole, level)
        for fewer in with_fewer(page, whole, len(found.rows), lambda each: shown(each, _SHORT), wanted.max_tokens):
            yield shown(fewer, _SHORT) | {"folded": _NOT_ALL}
        yield shown(fewer, (20, 3)) | {"folded": _NOT_ALL}
        names = fold([name for name, _ in found.columns], (60, 30))
        yield {"columns": names, "rows": [], "row_count": 0, "has_more": True, **_NO_ROW}

    return first_that_fits(answers(), wanted.max_tokens, _NO_ROW)


class AskFields(Parameters):
    max_tokens: MaxTokens = DEFAULT_TOKENS


def ask_fields(client: Client, _: Asked, wanted: AskFields) -> Row:
    fields, tables = shown_fields(), describe_tables(client)

    def answers() -> Iterator[Row]:
        whole: Row = {"fields": fields, "tables": tables}
        if fits(whole, wanted.max_tokens // 2):  # a model has more to read than this
            yield whole
        without = [
            {**table, "columns": [f"{each['name']} {each['type']}" for each in table["columns"]]} for table in tables
        ]
        yield {"fields": fields, "tables": without, "folded": "DESCRIBE of a table has its comments, by query_sql"}
        names = [{"name": table["name"], "comment": table["comment"]} for table in tables]
        hint = "DESCRIBE of a table has its columns, by query_sql"
        yield {"fields": fields, "tables": names, "folded": hint}
        short = [field["name"] for field in fields], [table["name"] for table in tables]
        yield {"fields": short[0], "tables": short[1], "folded": hint}
        yield {"tables": short[1], "folded": hint}

    return first_that_fits(answers(), wanted.max_tokens)

# SPDX-License-Identifier: Apache-2.0
"""What people add to a session: stars, labels, scores, comments; and their saved views."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from otel_sessions.clickhouse.surface import Client
from otel_sessions.config.typed import fault_error, value_of
from otel_sessions.errors import hint
from otel_sessions.extensions.web.api import score_configs
from otel_sessions.extensions.web.api.operation import Answer, Body, Call, Name, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import PagedTexts, rfc3339_of
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.extensions.web.problems import Conflict, NotFound
from otel_sessions.queries import additions, scores, shapes
from otel_sessions.queries.language.parse import parse
from otel_sessions.queries.listing import Order, Sort
from otel_sessions.queries.rows import Row, as_json
from otel_sessions.sessions import additions as writes
from otel_sessions.sessions import scores as score_writes
from otel_sessions.sessions.additions import MAX_NAME

Text = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
Anchor = Annotated[str, StringConstraints(max_length=64)]
NO_CONTENT = Answer(status=204)


def star(client: Client, call: Call[Parameters, None]) -> Answer:
    check_session(client, call.project, call.session_id)
    writes.set_bookmark(client, project=call.project, session_id=call.session_id, wanted=True)
    return NO_CONTENT


def unstar(client: Client, call: Call[Parameters, None]) -> Answer:
    check_session(client, call.project, call.session_id)
    writes.set_bookmark(client, project=call.project, session_id=call.session_id, wanted=False)
    return NO_CONTENT


def add_label(client: Client, call: Call[Parameters, None]) -> Answer:
    check_session(client, call.project, call.session_id)
    named = {"project": call.project, "session_id": call.session_id, "label": call.given("label")}
    writes.set_label(client, **named, wanted=True)
    return NO_CONTENT


def remove_label(client: Client, call: Call[Parameters, None]) -> Answer:
    check_session(client, call.project, call.session_id)
    named = {"project": call.project, "session_id": call.session_id, "label": call.ids["label"]}
    writes.set_label(client, **named, wanted=False)
    return NO_CONTENT


class Comment(Body):
    text: Text
    trace_id: Anchor | None = None
    span_id: Anchor | None = None


def list_comments(client: Client, call: Call[PagedTexts, None]) -> Answer:
    page = additions.list_comments(client, **_place(call))
    _check_unless(page.rows, client, call)
    shown = [shapes.cut(as_json(row), call.parameters.preview) for row in page.rows]
    return Answer({"comments": shown, "next_cursor": page.next_cursor})


def comment(client: Client, call: Call[Parameters, Comment]) -> Answer:
    check_session(client, call.project, call.session_id)
    given = call.body
    session = {"project": call.project, "session_id": call.session_id}
    anchor = {"trace_id": given.trace_id or "", "span_id": given.span_id or ""}
    now = datetime.now(UTC)
    comment_id = writes.comment(client, **session, text=given.text, created_at=now, **anchor)
    shown = {"comment_id": comment_id, "session_id": call.session_id, "text": given.text, **anchor}
    return Answer({**shown, "created_at": rfc3339_of(now)}, 201)


def delete_comment(client: Client, call: Call[Parameters, None]) -> Answer:
    named = {"project": call.project, "session_id": call.session_id, "comment_id": call.ids["comment_id"]}
    if not additions.has_comment(client, **named):
        raise NotFound("there is no such comment on this session")
    writes.delete_comment(client, **named)
    return NO_CONTENT


class Score(Body):
    """`value` is a number for NUMERIC, a text for CATEGORICAL and TEXT, true or false (or 1 or 0) for BOOLEAN."""

    name: Name
    data_type: Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]
    value: bool | Annotated[float, Field(allow_inf_nan=False)] | Text
    comment: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    trace_id: Anchor | None = None
    span_id: Anchor | None = None
    source: Literal["operator", "end_user", "evaluator"] = "operator"

    @model_validator(mode="before")
    @classmethod
    def _is_of_its_type(cls, given: Any) -> Any:
        """Refuses values of another JSON type than `data_type` says, before pydantic turns one into the other."""
        if not isinstance(given, dict):
            return given
        type_, value = given.get("data_type"), given.get("value")
        if value is None and "value" in given:
            raise fault_error("value", "expected true or false, a number or text, not nothing")
        if isinstance(value, float) and not math.isfinite(value):
            raise fault_error("value", "expected a finite number")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        wanted = {
            "NUMERIC": ("a number", is_number),
            "BOOLEAN": ("true or false, or 1 or 0", isinstance(value, bool) or (is_number and value in (0, 1))),
            "CATEGORICAL": ("text", isinstance(value, str)),
            "TEXT": ("text", isinstance(value, str)),
        }
        kind, is_right = wanted.get(type_, ("", True)) if isinstance(type_, str) else ("", True)
        if value is not None and not is_right:
            raise fault_error("value", f"expected {kind} for a {type_} score, not {value_of(value)}")
        return given


def list_scores(client: Client, call: Call[PagedTexts, None]) -> Answer:
    page = additions.list_scores(client, **_place(call))
    _check_unless(page.rows, client, call)
    shown = [shapes.cut(row, call.parameters.preview) for row in page.rows]
    return Answer({"scores": shown, "next_cursor": page.next_cursor})


def add_score(client: Client, call: Call[Parameters, Score]) -> Answer:
    return _stored(client, call, secrets.token_hex(16), 201)


def put_score(client: Client, call: Call[Parameters, Score]) -> Answer:
    return _stored(client, call, call.given("score_id"), 200)


def _stored(client: Client, call: Call[Parameters, Score], score_id: str, status: int) -> Answer:
    check_session(client, call.project, call.session_id)
    known = scores.one(client, project=call.project, score_id=score_id)
    if known is not None and known["SessionId"] != call.session_id:
        raise Conflict("another session, trace or span has a score of this id")
    given, now = call.body, datetime.now(UTC)
    score_configs.check(client, project=call.project, name=given.name, data_type=given.data_type, value=given.value)
    number = float(given.value) if given.data_type in ("NUMERIC", "BOOLEAN") else 0.0
    text = "" if given.data_type == "NUMERIC" else str(given.value)
    if given.data_type == "BOOLEAN":
        text = str(bool(given.value))
    score = score_writes.Score(
        project=call.project,
        score_id=score_id,
        session_id=call.session_id,
        trace_id=given.trace_id or "",
        span_id=given.span_id or "",
        name=given.name,
        data_type=given.data_type,
        value=number,
        string_value=text,
        comment=given.comment or "",
        source=given.source,
        timestamp=now,
        updated_at=now,
    )
    score_writes.store(client, [score])
    stored = scores.one(client, project=call.project, score_id=score_id)
    return Answer(additions.shown_score(stored) if stored else None, status)


def delete_score(client: Client, call: Call[Parameters, None]) -> Answer:
    known = scores.one(client, project=call.project, score_id=call.ids["score_id"])
    if known is None or known["SessionId"] != call.session_id:
        raise NotFound("this session has no such score of its own")
    score_writes.delete(client, project=call.project, score_id=call.ids["score_id"])
    return NO_CONTENT


COLUMNS: Final = (
    *("last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost"),
    *("models", "services", "environments", "tags", "scores"),
)
"""What a table of sessions can show of each, beside `metadata.KEY`."""


def _known_column(name: str) -> str:
    is_of_metadata = name.startswith("metadata.") and name != "metadata."
    if name not in COLUMNS and not is_of_metadata:
        raise ValueError(f"{value_of(name)} is neither a column nor metadata.KEY{hint(name, COLUMNS)}")
    return name


Column = Annotated[
    Name,
    AfterValidator(_known_column),
    WithJsonSchema(
        {"anyOf": [{"enum": list(COLUMNS)}, {"type": "string", "pattern": r"^metadata\.[\s\S]", "maxLength": MAX_NAME}]}
    ),
]


class View(Body):
    """A saved query; `columns` are those that a table of it shows."""

    query: Annotated[str, StringConstraints(max_length=65_536)]
    sort: Sort | None = None
    order: Order | None = None
    columns: Annotated[list[Column], Field(max_length=100)] | None = None


def list_views(client: Client, call: Call[Parameters, None]) -> Answer:
    shown = [_view(row) for row in additions.list_views(client, project=call.project)]
    return Answer({"views": shown, "next_cursor": None})


def get_view(client: Client, call: Call[Parameters, None]) -> Answer:
    return Answer(_view(_known_view(client, call)))


def put_view(client: Client, call: Call[Parameters, View]) -> Answer:
    given, name = call.body, call.given("name")
    parse(given.query)
    writes.save_view(
        client,
        project=call.project,
        name=name,
        query=given.query,
        sort=given.sort or "",
        order=given.order or "",
        columns=given.columns or [],
    )
    return Answer(_view(_known_view(client, call)))


def delete_view(client: Client, call: Call[Parameters, None]) -> Answer:
    _known_view(client, call)
    writes.delete_view(client, project=call.project, name=call.ids["name"])
    return NO_CONTENT


def _known_view(client: Client, call: Call[Parameters, Any]) -> Row:
    for row in additions.list_views(client, project=call.project):
        if row["Name"] == call.ids["name"]:
            return row
    raise NotFound("there is no view of this name")


def _view(row: Row) -> Row:
    shown = as_json(row)
    return {**shown, "sort": row["Sort"] or "last_activity", "order": row["Order"] or "desc"}


def _place(call: Call[PagedTexts, Any]) -> dict[str, Any]:
    wanted = call.parameters
    return {"project": call.project, "session_id": call.session_id, "limit": wanted.limit, "cursor": wanted.cursor}


def _check_unless(rows: list[Row], client: Client, call: Call[PagedTexts, Any]) -> None:
    if not rows and call.parameters.cursor is None:
        check_session(client, call.project, call.session_id)


_VIEW = "/api/v1/views/{name}"
OPERATIONS = (
    Operation("PUT", f"{SESSION}/bookmark", "Star a session", "additions", star, status=204),
    Operation("DELETE", f"{SESSION}/bookmark", "Take the star back", "additions", unstar, status=204),
    Operation("PUT", f"{SESSION}/labels/{{label}}", "Give it a label", "additions", add_label, status=204),
    Operation("DELETE", f"{SESSION}/labels/{{label}}", "Take a label away", "additions", remove_label, status=204),
    Operation("GET", f"{SESSION}/comments", "List its comments", "additions", list_comments, parameters=PagedTexts),
    Operation("POST", f"{SESSION}/comments", "Comment on it", "additions", comment, body=Comment, status=201),
    Operation(
        "DELETE", f"{SESSION}/comments/{{comment_id}}", "Delete a comment", "additions", delete_comment, status=204
    ),
    Operation("GET", f"{SESSION}/scores", "List its scores", "additions", list_scores, parameters=PagedTexts),
    Operation("POST", f"{SESSION}/scores", "Score it", "additions", add_score, body=Score, status=201),
    Operation("PUT", f"{SESSION}/scores/{{score_id}}", "Score it by your id", "additions", put_score, body=Score),
    Operation("DELETE", f"{SESSION}/scores/{{score_id}}", "Delete a score", "additions", delete_score, status=204),
    Operation("GET", "/api/v1/views", "List the saved views", "views", list_views),
    Operation("GET", _VIEW, "Get a saved view", "views", get_view),
    Operation("PUT", _VIEW, "Save a view", "views", put_view, body=View),
    Operation("DELETE", _VIEW, "Delete a saved view", "views", delete_view, status=204),
)

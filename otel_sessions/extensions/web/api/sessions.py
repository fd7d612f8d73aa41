# SPDX-License-Identifier: Apache-2.0
"""`/sessions`: the list, one session, its turns, spans, minutes and parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otel_sessions.clickhouse.surface import Client
from otel_sessions.extensions.web.api.operation import Answer, Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import Fields, Listed, Paged, PagedTexts, Preview
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import detail, replay, shapes
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.history import Memory
from otel_sessions.queries.listing import Wanted, list_sessions
from otel_sessions.queries.paging import Page, Readers, decode
from otel_sessions.queries.rows import Row, as_json
from otel_sessions.queries.spans import list_spans

SESSION = "/api/v1/sessions/{session_id}"
REPLAYED: Final = Memory()
_READERS: Final = Readers()


class One(Parameters):
    fields: Fields = frozenset(shapes.GROUPS)
    preview: Preview = None


def list_(client: Client, call: Call[Listed, None]) -> Answer:
    return Answer(sessions_of(client, call.project, call.parameters, call.now_ns))


def sessions_of(client: Client, project: str, wanted: Listed, now_ns: int, user_id: str | None = None) -> Row:
    """The body of a list of sessions; with `user_id` only those of that user."""
    chosen = wanted.filter() if user_id is None else wanted.model_copy(update={"user_id": user_id}).filter()
    page = list_sessions(client, _wanted(project, wanted, chosen), now_ns=now_ns, readers=_READERS)
    shown = [shapes.session(row, wanted.fields, wanted.preview) for row in page.rows]
    return {"sessions": shown, "next_cursor": page.next_cursor}


def check_list(project: str, wanted: Listed, now_ns: int) -> None:
    """Raises the `LanguageError` or `CursorError` that `list_` would raise, without a look at any session."""
    asked = _wanted(project, wanted, wanted.filter())
    asked.filter.condition(now_ns)
    if asked.cursor:
        decode(asked.identity, asked.cursor)


def _wanted(project: str, wanted: Listed, chosen: Filter) -> Wanted:
    return Wanted(project, chosen, wanted.sort, wanted.order, wanted.limit, wanted.cursor, wanted.fields)


def one(client: Client, call: Call[One, None]) -> Answer:
    wanted = call.parameters
    shown = session_of(client, call.project, call.session_id, call.now_ns, fields=wanted.fields, preview=wanted.preview)
    return Answer(call.hidden.session(shown))


def session_of(
    client: Client, project: str, session_id: str, now_ns: int, *, fields: frozenset[str], preview: int | None
) -> Row:
    """The body of one session. Raises `NotFound`."""
    row = detail.get_session(client, project=project, session_id=session_id, now_ns=now_ns, groups=fields)
    if row is None:
        raise no_session(session_id)
    share = row.pop("Share")
    return {**shapes.session(row, fields, preview), "share": share and as_json(share)}


def no_session(session_id: str) -> NotFound:
    return NotFound(f"there is no session {session_id[:200]!r}")


def check_session(client: Client, project: str, session_id: str) -> None:
    """Raises `NotFound` where the project has no such session."""
    if not detail.has_session(client, project=project, session_id=session_id):
        raise no_session(session_id)


def traces(client: Client, call: Call[PagedTexts, None]) -> Answer:
    page = detail.list_traces(client, **_place(call), readers=None if call.is_frozen else _READERS)
    return _listed(client, call, "traces", page, call.hidden.session)


def turns(client: Client, call: Call[PagedTexts, None]) -> Answer:
    memory = None if call.is_frozen else REPLAYED
    payload = replay.turns(client, **_place(call), preview=call.parameters.preview, memory=memory)
    if not payload["turns"] and call.parameters.cursor is None:
        check_session(client, call.project, call.session_id)
    return Answer(call.hidden.replay(payload))


def spans(client: Client, call: Call[PagedTexts, None]) -> Answer:
    page = list_spans(client, **_place(call), preview=call.parameters.preview)
    return _listed(client, call, "spans", page, call.hidden.span)


def timeline(client: Client, call: Call[Any, None]) -> Answer:
    page = detail.timeline(client, **_place(call))
    return _listed(client, call, "timeline", page)


def parts(client: Client, call: Call[PagedTexts, None]) -> Answer:
    page = detail.parts(client, **_place(call))
    return _listed(client, call, "parts", page, call.hidden.session)


def _place(call: Call[Any, None]) -> dict[str, Any]:
    wanted = call.parameters
    return {"project": call.project, "session_id": call.session_id, "limit": wanted.limit, "cursor": wanted.cursor}


def _listed(
    client: Client, call: Call[Any, None], name: str, page: Page, less: Callable[[Row], Row] = lambda row: row
) -> Answer:
    """The rows of a page, `less` what is hidden of each. Raises `NotFound` for no session."""
    if not page.rows and call.parameters.cursor is None:
        check_session(client, call.project, call.session_id)
    preview = getattr(call.parameters, "preview", None)
    return Answer({name: [less(shapes.turn(row, preview)) for row in page.rows], "next_cursor": page.next_cursor})


OPERATIONS = (
    Operation("GET", "/api/v1/sessions", "List sessions", "sessions", list_, parameters=Listed),
    Operation("GET", SESSION, "Get one session", "sessions", one, parameters=One),
    Operation("GET", f"{SESSION}/traces", "List its turns", "sessions", traces, parameters=PagedTexts),
    Operation(
        "GET", f"{SESSION}/turns", "Replay it: turns, steps and messages", "sessions", turns, parameters=PagedTexts
    ),
    Operation("GET", f"{SESSION}/spans", "List its spans", "sessions", spans, parameters=PagedTexts),
    Operation("GET", f"{SESSION}/timeline", "List its minutes", "sessions", timeline, parameters=Paged),
    Operation("GET", f"{SESSION}/parts", "List its parts", "sessions", parts, parameters=PagedTexts),
)

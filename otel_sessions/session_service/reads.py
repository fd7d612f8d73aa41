# SPDX-License-Identifier: Apache-2.0
"""What each method answers: the reads of `queries`, in messages."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Final, cast, get_args

from google.protobuf.message import Message

from otel_sessions.clickhouse.surface import Client
from otel_sessions.errors import near
from otel_sessions.queries import detail, shapes, spans
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.listing import Order, Sort, Wanted
from otel_sessions.queries.listing import list_sessions as listed
from otel_sessions.queries.paging import MAX_LIMIT, CursorError, Page, Readers
from otel_sessions.queries.rows import Row, as_json
from otel_sessions.session_service.errors import InvalidRequest, NotFound
from otel_sessions.session_service.messages import Filling, message_type

DEFAULT_LIMIT: Final = 50
MAX_ANSWER: Final = 3 << 20
"""Bytes of a page, which ends sooner where it would be over: gRPC's clients take 4 MiB."""
_READERS: Final = Readers()
_TEXTS: Final = ("q", "user_id", "service", "environment", "model", "tag", "has_error", "bookmarked")
_NUMBERS: Final = ("min_cost", "min_duration_ms")


def list_sessions(client: Client, project: str, request: Any) -> Message:
    groups = _groups(request.fields, shapes.DEFAULT_GROUPS)
    preview = preview_of(request)
    given = {name: getattr(request, name) for name in (*_TEXTS, *_NUMBERS) if request.HasField(name)}
    for name in _NUMBERS:
        if not math.isfinite(given.get(name, 0)):
            raise InvalidRequest(name, "a finite number is expected")
    chosen = Filter(query=request.query, from_ns=_time(request, "from"), to_ns=_time(request, "to"), **given)
    sort, order = _one_of("sort", request.sort, Sort), _one_of("order", request.order, Order)

    def read(limit: int) -> Page:
        named = (project, chosen, cast(Sort, sort or "last_activity"), cast(Order, order or "desc"))
        wanted = Wanted(*named, limit, request.cursor or None, groups)
        return listed(client, wanted, now_ns=time.time_ns(), readers=_READERS)

    return _page("Session", read, request, lambda row: shapes.session(row, groups, preview))


def get_session(client: Client, project: str, request: Any) -> Message:
    groups = _groups(request.fields, frozenset(shapes.GROUPS))
    row = detail.get_session(
        client, project=project, session_id=request.session_id, now_ns=time.time_ns(), groups=groups
    )
    if row is None:
        raise no_session(request.session_id)
    share = row.pop("Share")
    shown = {**shapes.session(row, groups, preview_of(request)), "share": share and as_json(share)}
    return filling("Session")(shown)


def list_traces(client: Client, project: str, request: Any) -> Message:
    return _inside(client, project, request, partial(detail.list_traces, readers=_READERS), "Trace")


def list_spans(client: Client, project: str, request: Any) -> Message:
    read = partial(spans.list_spans, preview=preview_of(request))
    return _inside(client, project, request, read, "Span")


def no_session(session_id: str) -> NotFound:
    return NotFound(f"there is no session {session_id[:200]!r}")


def preview_of(request: Any) -> int | None:
    """How many characters of a text the client wants; None for all."""
    return request.preview if request.HasField("preview") else None


@cache
def filling(name: str) -> Filling:
    """Makes messages of this name out of rows."""
    return Filling(message_type(name))


def _inside(client: Client, project: str, request: Any, read: Callable[..., Page], message: str) -> Message:
    """A page of what is in a session. Raises `NotFound`."""
    preview = preview_of(request)
    named = {"project": project, "session_id": request.session_id}
    if not request.cursor and not detail.has_session(client, **named):
        raise no_session(request.session_id)

    def page(limit: int) -> Page:
        return read(client, limit=limit, cursor=request.cursor or None, **named)

    return _page(message, page, request, lambda row: shapes.turn(row, preview))


def _page(message: str, read: Callable[[int], Page], request: Any, shape: Callable[[Row], Row]) -> Message:
    """A page of at most `MAX_ANSWER` bytes, or of one message. What follows it is found by reading it once more."""
    if request.limit > MAX_LIMIT:
        raise InvalidRequest("limit", f"expected at most {MAX_LIMIT}, not {request.limit}")
    limit = request.limit or DEFAULT_LIMIT
    try:
        page = read(limit)
        made, size = [], 0
        for row in page.rows:
            made.append(filling(message)(shape(row)))
            size += made[-1].ByteSize() + 8  # and what it takes to say so
            if len(made) > 1 and size > MAX_ANSWER:
                made.pop()
                break
        if len(made) < len(page.rows):
            page = read(len(made))
            made = [filling(message)(shape(row)) for row in page.rows]
    except CursorError as error:
        raise InvalidRequest("cursor", str(error)) from error
    type_ = message_type(f"List{message}sResponse")
    return type_(**{f"{message.lower()}s": made, "next_cursor": page.next_cursor or ""})


def _time(request: Any, name: str) -> int | None:
    """The nanoseconds since 1970 of a member that is a time; None for one unset. Raises `InvalidRequest`."""
    if not request.HasField(name):
        return None
    time_ = getattr(request, name)
    if not 0 <= time_.nanos < 10**9:
        raise InvalidRequest(name, f"a Timestamp has 0 to 999,999,999 nanos, not {time_.nanos:,}")
    return int(time_.seconds) * 10**9 + int(time_.nanos)


def _one_of(field: str, value: str, names: Any) -> str:
    """The value, if it is empty or one of the literals `names`. Raises `InvalidRequest`."""
    if value and value not in get_args(names):
        known = get_args(names)
        raise InvalidRequest(field, f"{value[:100]!r} is none of {', '.join(known)}{near(value, known)}")
    return value


def _groups(names: Iterable[str], default: frozenset[Any]) -> frozenset[str]:
    """The groups of members that were asked for, and `core`; `default` where none was. Raises `InvalidRequest`."""
    wanted = frozenset(names)
    if unknown := sorted(wanted - set(shapes.GROUPS)):
        raise InvalidRequest("fields", shapes.no_groups(unknown))
    return wanted | {"core"} if wanted else default

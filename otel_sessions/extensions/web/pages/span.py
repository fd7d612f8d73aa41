# SPDX-License-Identifier: Apache-2.0
"""One span in full: beside the turns, as JSON, and what it says as plain text."""

from __future__ import annotations

from typing import Any, Final

import orjson

from otel_sessions.extensions.web.pages.format import part, visible
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.genai.messages import Part, as_text, call_text
from otel_sessions.genai.transcript import Reader
from otel_sessions.queries import shapes, spans
from otel_sessions.queries.rows import Row

_SHOWN: Final = 1_000_000
"""Characters of a text that a page shows of a span; REST and exports have all."""
_PLAIN: Final = {"Content-Type": "text/plain; charset=utf-8"}


def links(visit: Visit) -> dict[str, Any]:
    """Addresses that several parts of a session's page lead to, by the names that templates have for them."""
    url = visit.session_url(visit.session_id)
    return {
        "url": url,
        "api": f"{visit.base}/api/v1/sessions/{part(visit.session_id)}",
        "span_link": lambda trace, span: visit.with_query(span=f"{trace}.{span}", fragment=None),
        "text_link": lambda trace, span: visit.with_query(span=f"{trace}.{span}", fragment="text"),
        "close_link": visit.with_query(span=None, fragment=None),
        "raw_link": f"{url}/span?span={visit.get('span')}",
    }


def raw_span(visit: Visit) -> Shown:
    """`/sessions/{session_id}/span`: the open span as JSON, for reading."""
    return Shown("raw.html", {**links(visit), **opened(visit), "section": "/sessions"})


def text(visit: Visit) -> Shown:
    """All that went into the open span and came out of it, as plain text. Raises `NotFound`."""
    span = _read(visit)
    events = [(event["name"], event["attributes"]) for event in span["events"]]
    said = Reader().step(span["span_attributes"], events, span["step_kind"] or "other", span["step_name"])
    page = {"turns": [], "messages": [*said.input, *said.output], "tools": []}
    messages = visit.call.hidden.replay(page)["messages"]
    whole = [(visible(one["role"]), "\n".join(_whole(part) for part in one["parts"])) for one in messages]
    return Shown("said.txt", {"messages": whole}, headers=_PLAIN)


def _whole(part: Part) -> str:
    """What a part of a message says, nothing left out but the bytes of media."""
    match part["type"]:
        case "text" | "reasoning":
            said = part["text"]
        case "tool_call":
            said = call_text(part)
        case "tool_result":
            said = as_text(part["result"])
        case "media":
            said = f"[{part['modality']}] {part.get('url', '')}"
        case _:
            said = as_text(part["value"])
    return visible(said)


def opened(visit: Visit) -> dict[str, Any]:
    """The span that the address names, in full. Raises `NotFound`."""
    _, _, span_id = visit.get("span").partition(".")
    if not span_id:
        return {"opened": None, "opened_id": "", "opened_error": "", "as_sql": "", "raw": ""}
    span = visit.call.hidden.span(_read(visit, _SHOWN))
    as_sql = f"SELECT * FROM session_spans WHERE TraceId = '{span['trace_id']}' AND SpanId = '{span_id}'"  # noqa: S608 - a text to copy; ids are hex
    raw = orjson.dumps(span, option=orjson.OPT_INDENT_2).decode()
    raised = [event["attributes"].get("exception.message", "") for event in span["events"]]
    error = str(span["status_message"] or next(filter(None, reversed(raised)), ""))
    return {"opened": span, "opened_id": span_id, "opened_error": error, "as_sql": as_sql, "raw": raw}


def _read(visit: Visit, preview: int | None = None) -> Row:
    """The span that the address names, with what a link hides of it. Raises `NotFound`."""
    trace_id, _, span_id = visit.get("span").partition(".")
    named = {**visit.of_session, "trace_id": trace_id, "span_id": span_id}
    row = spans.get_span(visit.client, **named, preview=preview)
    if row is None:
        raise NotFound("this session has no such span")
    return shapes.turn(row, preview)

# SPDX-License-Identifier: Apache-2.0
"""A list as frames of `application/x-ndjson`: a line `{"result": ...}` for each, and at the end `complete` or `error`.

Without `limit` in the request a list goes on to its end, page after page; the frame `complete` says how many there
were, and with `limit` where the next page begins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.responses import Response, StreamingResponse

from otel_sessions.extensions.web.api.operation import Answer, Call, Operation
from otel_sessions.extensions.web.problems import problem
from otel_sessions.http.answers import hold, next_held
from otel_sessions.queries.paging import MAX_LIMIT

FRAMES: Final = "application/x-ndjson"
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def are_wanted(accept: str) -> bool:
    """Whether a client names frames among what it takes."""
    return any(each.partition(";")[0].strip().lower() == FRAMES for each in accept.split(","))


def results(rows: Iterable[Any]) -> bytes:
    """The frames of rows."""
    return frames(map(orjson.dumps, rows))


def frames(results: Iterable[bytes]) -> bytes:
    """The frames of results that are JSON already."""
    return b"".join(b'{"result":' + each + b"}\n" for each in results)


def complete(**members: Any) -> bytes:
    """The last frame of a list that has come to its end."""
    return orjson.dumps({"complete": members}) + b"\n"


def error(raised: Exception) -> bytes:
    """The last frame of a list that breaks off: the error as a problem document."""
    return b'{"error":' + bytes(problem(raised).body) + b"}\n"


async def answer(op: Operation, call: Call[Any, Any]) -> Response:
    """The answer to `op` as frames. Raises what the first page of the list raises."""
    is_one = "limit" in call.parameters.model_fields_set
    if not is_one:
        call = replace(call, parameters=call.parameters.model_copy(update={"limit": MAX_LIMIT}))
    first = await _page(op, call, call.parameters.cursor)
    frames = _frames(op, call, first.body, is_one=is_one)
    return StreamingResponse(frames, headers={**_HEADERS, **first.headers}, media_type=FRAMES)


async def _page(op: Operation, call: Call[Any, Any], cursor: str | None) -> Answer:
    run = op.run
    assert run is not None
    asked = replace(call, parameters=call.parameters.model_copy(update={"cursor": cursor}))
    return await call.store.run(lambda client: run(client, asked))


async def _frames(op: Operation, call: Call[Any, Any], page: Any, *, is_one: bool) -> AsyncIterator[bytes]:
    name, count = str(op.list_name), 0

    async def following() -> bytes:
        nonlocal page
        page = (await _page(op, call, page["next_cursor"])).body
        return results(page[name])

    try:
        body = results(page[name])
        await hold(len(body))
        while True:
            count, nbytes = count + len(page[name]), len(body)
            yield body
            del body
            if page["next_cursor"] is None or is_one:
                break
            body = await next_held(following, nbytes)
    except Exception as raised:  # noqa: BLE001 - what went wrong is the last frame
        yield error(raised)
        return
    yield complete(**{name: count, "next_cursor": page["next_cursor"]})

# SPDX-License-Identifier: Apache-2.0
"""A session whole, streamed.

An export that breaks off ends its connection without the last chunk, which every HTTP client reports; as
`application/x-ndjson` it says `complete` or `error` at its end. What goes wrong before its first piece is a problem as
of any route.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final
from urllib.parse import quote

from pydantic import ValidationInfo, field_validator
from starlette.responses import Response, StreamingResponse

from otel_sessions.clickhouse.surface import Client
from otel_sessions.extensions.web import ndjson
from otel_sessions.extensions.web.api.operation import Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import Preview
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.extensions.web.ndjson import FRAMES
from otel_sessions.http.answers import hold, in_pieces, next_held
from otel_sessions.queries import export
from otel_sessions.queries.export import Exported, Format

MEDIA_TYPES: Final[dict[str, str]] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "md": "text/markdown; charset=utf-8",
    "messages": "application/jsonl",
}


class Export(Parameters):
    format: Format = "jsonl"
    preview: Preview = None

    @field_validator("preview")
    @classmethod
    def _is_not_of_columns(cls, preview: int | None, info: ValidationInfo) -> int | None:
        """Refuses previews of tables, which have no place for the full length beside each text."""
        if preview is not None and info.data.get("format") in ("csv", "parquet"):
            raise ValueError("the columns of csv and parquet have texts whole; jsonl, md and messages take a preview")
        return preview


async def export_session(call: Call[Export, None]) -> Response:
    await call.store.run(lambda client: check_session(client, call.project, call.session_id))
    format_ = call.parameters.format
    framed = format_ == "jsonl" and ndjson.are_wanted(call.headers.get("accept", ""))

    def body(client: Client) -> Iterator[bytes]:
        of = Exported(client, call.project, call.session_id, call.parameters.preview)
        return _frames(of) if framed else export.export(of, format_)

    ending = "jsonl" if format_ == "messages" else format_
    name = quote(f"{call.session_id[:100]}.{ending}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "X-Content-Type-Options": "nosniff"}
    media_type = FRAMES if framed else MEDIA_TYPES[format_]
    return StreamingResponse(await _begun(call.store.stream(body)), headers=headers, media_type=media_type)


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """All of them, once the first is there. Raises what kept it from being there."""
    begun = [await anext(pieces, b"")]
    await hold(len(begun[0]))

    async def following() -> bytes:
        return await anext(pieces, b"")

    async def whole() -> AsyncIterator[bytes]:
        piece = begun.pop()
        while nbytes := len(piece):
            for part in in_pieces(piece):
                yield part
            del piece, part  # who sends has the last part, and not all while the next is made
            piece = await next_held(following, nbytes)

    return whole()


def _frames(of: Exported) -> Iterator[bytes]:
    count = 0
    try:
        for piece in export.span_lines(of):
            spans = piece.splitlines()
            del piece
            count += len(spans)
            framed = ndjson.frames(spans)
            del spans
            yield framed
            del framed
    except Exception as error:  # noqa: BLE001 - what went wrong is the last frame
        yield ndjson.error(error)
        return
    yield ndjson.complete(spans=count)


OPERATIONS = (
    Operation(
        "GET",
        f"{SESSION}/export",
        "Export it whole",
        "sessions",
        stream=export_session,
        parameters=Export,
        answers=("application/jsonl", FRAMES, "text/csv", MEDIA_TYPES["parquet"], "text/markdown"),
    ),
)

# SPDX-License-Identifier: Apache-2.0
"""What is where under `/api/public/`, and the answers that need no data: health, the project, prompts and media."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from otel_sessions._version import __version__
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import Store
from otel_sessions.errors import InvalidData
from otel_sessions.http.auth import Authenticated
from otel_sessions.http.body import Bodies, Body
from otel_sessions.http.mounts import Listener, Mounted
from otel_sessions.langfuse.answers import Handler, NotFound, WrongMethod, answered, refusal
from otel_sessions.langfuse.comments import Comments
from otel_sessions.langfuse.ingestion import Ingestion
from otel_sessions.langfuse.score_configs import ScoreConfigs
from otel_sessions.langfuse.scores import Scores
from otel_sessions.langfuse.sessions import Sessions
from otel_sessions.langfuse.traces import Traces
from otel_sessions.queries.limits import Limits

PREFIX: Final = "/api/public/"
OTLP_BASE: Final = "/api/public/otel"
"""Where the SDKs post OTLP; what is under it is answered as OTLP/HTTP is."""
MAX_BODY: Final = 4 << 20
"""Bytes of a request, after decompression; the SDKs send 1 MiB at most."""
_READ_BODIES: Final = 8
_LIMITS: Final = Limits(max_execution_time=0)
"""ClickHouse may take ten seconds; the SDKs wait 5 s for an answer."""
MAX_WAITING: Final = 64
"""Requests that may wait for ClickHouse; those beyond are told at once to come back."""
_WORKERS: Final = 2
"""Threads that make sense of bodies, beside the event loop, which is that of OTLP/HTTP."""

_HASH_CHARS: Final = 22  # how the SDKs make a media id of the hash of the content
_ORGANIZATION: Final = {"id": "otel-sessions", "name": "otel-sessions"}


def mount(endpoint: Endpoint | None, listener: Listener) -> Mounted:
    """The API on a listener. Scores and sessions are in the ClickHouse at `endpoint`, if there is one.

    Health is for everybody, all else for whom the listener lets in.
    """
    open_ = None if endpoint is None else partial(_LIMITS.connect, endpoint)
    reads, writes = (  # so that nobody who reads keeps scores waiting
        Store(open_, "langfuse", threads=1, max_waiting=MAX_WAITING) for _ in range(2)
    )
    limit = min(listener.max_body, MAX_BODY)
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="langfuse-bodies")
    bodies = Bodies(limit, _READ_BODIES * limit, pool=pool)
    routes = _routes(reads, writes, bodies, Ingestion(writes, bodies, listener.consumer))

    def refuse(_: Request, error: Exception) -> Response:
        listener.count_refused(error)
        return refusal(error)

    def close() -> None:
        pool.shutdown(wait=False)
        for store in (reads, writes):
            store.close()

    inside = Router(routes, redirect_slashes=False, default=_nothing)
    app = Router(
        [_route("health", _health, "GET")],
        redirect_slashes=False,
        default=Authenticated(inside, listener.access, refuse),
    )
    return Mounted(PREFIX, OTLP_BASE, app, close)


class LangfuseRoute(Route):
    """Takes ids with any character at any place, and refuses other methods as Langfuse does."""

    def __init__(self, path: str, endpoint: Handler, methods: list[str]) -> None:
        super().__init__(path, endpoint, methods=methods)
        pattern = self.path_regex.pattern.removesuffix("$")
        self.path_regex = re.compile(rf"{pattern}\Z", re.DOTALL)  # `$` passes over a line feed, `.` takes none

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = self.methods or set()
        if scope["method"] in methods:
            await self.app(scope, receive, send)
            return
        answer = refusal(WrongMethod(f"{scope['method']} is not supported; send {' or '.join(sorted(methods))}"))
        answer.headers["allow"] = ", ".join(sorted(methods))
        await answer(scope, receive, send)


def _routes(reads: Store, writes: Store, bodies: Bodies, ingestion: Ingestion) -> list[Route]:
    media, scores, sessions = _Media(bodies), Scores(reads, writes, bodies), Sessions(reads)
    comments, configs = Comments(reads), ScoreConfigs(reads)
    return [
        _route("projects", _projects, "GET"),
        _route("v2/prompts/{name:path}", _prompt, "GET"),
        _route("media", media.announce, "POST"),
        _route("media/{id}", media.uploaded, "PUT", "PATCH"),
        _route("ingestion", ingestion.take, "POST"),
        _route("scores", scores.create, "POST"),
        *(_route(f"{version}scores", scores.page, "GET") for version in ("", "v2/")),
        *(_route(f"{version}scores/{{id:path}}", scores.one, "GET") for version in ("", "v2/")),
        _route("scores/{id:path}", scores.delete, "DELETE"),
        _route("v3/scores", scores.page_behind, "GET"),
        _route("score-configs", configs.page, "GET"),
        _route("score-configs/{id:path}", configs.one, "GET"),
        _route("traces", Traces(reads).page, "GET"),
        _route("comments", comments.page, "GET"),
        _route("comments/{id:path}", comments.one, "GET"),
        _route("sessions", sessions.page, "GET"),
        _route("sessions/{id:path}", sessions.one, "GET"),
    ]


def _route(path: str, handler: Handler, *methods: str) -> Route:
    return LangfuseRoute(PREFIX + path, answered(handler), list(methods))


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"]
    answer = refusal(NotFound(f"{path} is not served here; docs/langfuse.md says what of Langfuse's API is"))
    await answer(scope, receive, send)


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "OK", "version": __version__})


async def _projects(request: Request) -> Response:
    """The one project of the request; `auth_check` of the SDKs asks for it."""
    project: str = request.state.project
    named: dict[str, Any] = {"id": project, "name": project, "organization": _ORGANIZATION, "metadata": {}}
    return JSONResponse({"data": [named]})


async def _prompt(request: Request) -> Response:
    """Answers 404 always, on which the SDKs take the fallback of the caller."""
    raise NotFound(f"Prompt not found: {request.path_params['name']!r}; otel-sessions keeps no prompts")


class _Media:
    """Takes note of nothing: the answer says that the content is there already, so that nobody uploads it."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    async def announce(self, request: Request) -> Response:
        """The SDK's own id of the content, without an address to upload it to."""
        body = await self._bodies.take(request, Body.json)
        digest = body.get("sha256Hash") if isinstance(body, dict) else None
        if not isinstance(digest, str) or not digest:
            raise InvalidData("sha256Hash: text expected")
        media_id = digest.replace("+", "-").replace("/", "_")[:_HASH_CHARS]  # base64 in the alphabet of URLs
        return JSONResponse({"mediaId": media_id, "uploadUrl": None})

    async def uploaded(self, request: Request) -> Response:
        """Reads what is told of an upload, or uploaded, and keeps nothing of it."""
        async with self._bodies.read(request):
            return JSONResponse({})

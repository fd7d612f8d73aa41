"""What is where under `/api/public/`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import Consumer
from otel_sessions.http.auth import Access, Authenticated
from otel_sessions.langfuse import fixed
from otel_sessions.langfuse.answers import Handler, NotFound, WrongMethod, answered, refusal
from otel_sessions.langfuse.ingestion import Ingestion
from otel_sessions.langfuse.json_bodies import JsonBodies
from otel_sessions.langfuse.scores import Scores
from otel_sessions.langfuse.sessions import Sessions
from otel_sessions.langfuse.store import Store

PREFIX: Final = "/api/public/"
OTLP_BASE: Final = "/api/public/otel"
"""Where the SDKs post OTLP; what is under it is answered as OTLP/HTTP is."""
TRACES_PATH: Final = f"{OTLP_BASE}/v1/traces"


class LangfuseApi:
    """Everything else under `PREFIX`. Scores and sessions are in the ClickHouse at `endpoint`, if there is one."""

    def __init__(self, consumer: Consumer, endpoint: Endpoint | None, max_body: int) -> None:
        self._stores = Store(endpoint), Store(endpoint)  # so that nobody who reads keeps scores waiting
        self._routes = _routes(*self._stores, JsonBodies(max_body), consumer)

    def application(self, access: Access, count_refused: Callable[[Exception], object]) -> ASGIApp:
        """Health is for everybody, all else for whom `access` lets in."""

        def refuse(_: Request, error: Exception) -> Response:
            count_refused(error)
            return refusal(error)

        inside = Authenticated(Router(self._routes, redirect_slashes=False, default=_nothing), access, refuse)
        return Router([_route("health", fixed.health, "GET")], redirect_slashes=False, default=inside)

    def close(self) -> None:
        for store in self._stores:
            store.close()


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


def _routes(reads: Store, writes: Store, bodies: JsonBodies, consumer: Consumer) -> list[Route]:
    media, scores, sessions = fixed.Media(bodies), Scores(reads, writes, bodies), Sessions(reads)
    return [
        _route("projects", fixed.projects, "GET"),
        _route("v2/prompts/{name:path}", fixed.prompt, "GET"),
        _route("media", media.announce, "POST"),
        _route("media/{id}", media.uploaded, "PUT", "PATCH"),
        _route("ingestion", Ingestion(writes, bodies, consumer).take, "POST"),
        _route("scores", scores.create, "POST"),
        *(_route(f"{version}scores", scores.page, "GET") for version in ("", "v2/")),
        *(_route(f"{version}scores/{{id:path}}", scores.one, "GET") for version in ("", "v2/")),
        _route("scores/{id:path}", scores.delete, "DELETE"),
        _route("sessions", sessions.page, "GET"),
        _route("sessions/{id:path}", sessions.one, "GET"),
    ]


def _route(path: str, handler: Handler, *methods: str) -> Route:
    return LangfuseRoute(PREFIX + path, answered(handler), list(methods))


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"]
    answer = refusal(NotFound(f"{path} is not served here; docs/langfuse.md says what of Langfuse's API is"))
    await answer(scope, receive, send)

# SPDX-License-Identifier: Apache-2.0
"""The application: requests become calls of operations, and what they answer or raise becomes responses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

import orjson
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.clickhouse.connection import Store
from otel_sessions.component import Host
from otel_sessions.errors import InvalidData
from otel_sessions.extensions.web import ndjson
from otel_sessions.extensions.web.access import WebAccess, check_role
from otel_sessions.extensions.web.api.operation import Call, Operation
from otel_sessions.extensions.web.api.routes import OPERATIONS
from otel_sessions.extensions.web.api.sessions import REPLAYED
from otel_sessions.extensions.web.api.shares import HEADERS
from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.deleter import Deleter
from otel_sessions.extensions.web.etags import tagged
from otel_sessions.extensions.web.mcp.http import PATH, Mcp
from otel_sessions.extensions.web.openapi import known_document
from otel_sessions.extensions.web.origin import check_origin, for_its_own_hosts
from otel_sessions.extensions.web.pages.app import Pages
from otel_sessions.extensions.web.problems import Forbidden, NotFound, WrongMethod, problem
from otel_sessions.http.auth import Access, Authenticated
from otel_sessions.http.body import NOBODY_READS, Bodies, UnsupportedMediaType
from otel_sessions.http.body import Body as SentBody
from otel_sessions.http.response_compression import Compressed

MAX_BODY: Final = 4 << 20
_MAX_BODIES: Final = 64 << 20
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_REVALIDATED: Final = {**_HEADERS, "Cache-Control": "private, no-cache"}
"""Headers of answers that a client may keep, but asks about before each use."""


class _Segment(Convertor[str]):
    """One segment of a path, decoded only after the path was taken apart: an id may hold any character, slashes too."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        raise NotImplementedError("links are made where they are shown")


register_url_convertor("segment", _Segment())


class Api:
    """REST: turns requests into calls of operations, and what these answer or raise into responses."""

    def __init__(
        self, config: Config, store: Store, deleter: Deleter, access: Access, is_stopping: Callable[[], bool]
    ) -> None:
        self._config = config
        self._store = store
        self._deleter = deleter
        self._access = access
        self._bodies = Bodies(MAX_BODY, _MAX_BODIES)
        self._is_stopping = is_stopping

    def routes(self) -> list[BaseRoute]:
        """A route for each path, with all its methods."""
        paths: dict[str, dict[str, Operation]] = {}
        for op in OPERATIONS:
            paths.setdefault(op.path, {})[op.method] = op
        return [
            Route("/api/v1/openapi.json", _openapi, methods=["GET"]),
            *(_RawRoute(path, partial(self._handle, methods)) for path, methods in paths.items()),
        ]

    async def _handle(self, methods: Mapping[str, Operation], scope: Scope, receive: Receive, send: Send) -> None:
        """An application for one path: hands a request on to the operation of its method, or answers 405."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        op = methods.get(method)
        if op is None:
            answer = problem(WrongMethod(f"{scope['method']} is not done here; {', '.join(sorted(methods))} is"))
            answer.headers["allow"] = ", ".join(sorted(methods))
            await answer(scope, receive, send)
            return

        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            response = await self._answer(op, Request(scope, receive))
            await response(scope, receive, send)

        guarded: ASGIApp = answered if op.is_open else self._authenticated(answered)
        await guarded(scope, receive, send)

    def guarded(self, app: ASGIApp) -> ASGIApp:
        """`app` for those who may read, and for no page of another site."""

        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                check_origin(Request(scope), self._config.public_url)
                check_role(scope["state"]["project"], "read")
            except Forbidden as error:
                await problem(error)(scope, receive, send)
            else:
                await app(scope, receive, send)

        return self._authenticated(checked)

    def _authenticated(self, app: ASGIApp) -> ASGIApp:
        return Authenticated(app, self._access, lambda _, error: problem(error))

    async def _answer(self, op: Operation, request: Request) -> Response:
        try:
            check_origin(request, self._config.public_url)
            if not op.is_open:
                check_role(request.state.project, op.needed_role)
            call = Call(
                project=getattr(request.state, "project", ""),
                ids=request.path_params,
                parameters=op.parameters.model_validate(parameters(request)),
                body=await self._body(op, request),
                config=self._config,
                base_url=self._config.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}",
                headers=request.headers,
                now_ns=time.time_ns(),
                store=self._store,
                deleter=self._deleter,
                is_stopping=self._is_stopping,
            )
            if op.stream is not None:
                return await op.stream(call)
            if op.list_name is not None and ndjson.are_wanted(request.headers.get("accept", "")):
                return await ndjson.answer(op, call)
            assert op.run is not None
            run = op.run
            answer = await self._store.run(lambda client: run(client, call))
        except ClientDisconnect:
            return NOBODY_READS
        except Exception as error:  # noqa: BLE001 - problem knows what each means
            told = problem(error)
            if op.is_open:
                told.headers.update(HEADERS)
            return told
        if answer.status == 204:
            return Response(status_code=204, headers={**_HEADERS, **answer.headers})
        kept = _REVALIDATED if op.method == "GET" else _HEADERS
        response = Response(orjson.dumps(answer.body), answer.status, {**kept, **answer.headers}, "application/json")
        return tagged(response, request) if op.method == "GET" else response

    async def _body(self, op: Operation, request: Request) -> Any:
        if op.body is None:
            return None
        is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        sent = await self._bodies.take(request, lambda body: _json(body, is_json=is_json))
        if sent is None and op.is_body_optional:
            return None
        return op.body.model_validate(sent)


def _json(body: SentBody, *, is_json: bool) -> Any:
    """The body as JSON, None for an empty one. Raises `UnsupportedMediaType`, and `InvalidData` for what is no JSON."""
    if not body.unpacked():
        return None
    if not is_json:
        raise UnsupportedMediaType("send JSON, with the header Content-Type: application/json")
    return body.json()


class _RawRoute(Route):
    """Its handler is an ASGI application that looks at the method itself."""

    def __init__(self, path: str, handler: ASGIApp) -> None:
        super().__init__(path.replace("}", ":segment}"), _openapi)
        self.methods = set()
        self.app = handler


def application(
    config: Config, store: Store, deleter: Deleter, access: WebAccess, host: Host, *, is_stopping: Callable[[], bool]
) -> ASGIApp:
    """REST under `/api/v1`, the Model Context Protocol at `/mcp`, and the pages beside them."""
    api = Api(config, store, deleter, access, is_stopping)
    pages = Pages(config, store, deleter, access, host)
    routes = [*api.routes(), _RawRoute(PATH, api.guarded(Mcp(store, REPLAYED))), *pages.routes()]
    router = Router(routes, redirect_slashes=False, default=partial(_nothing, pages))

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # as it was sent, percent-encoded: what an id holds does not part the path
            scope = {**scope, "path": scope["raw_path"].decode("latin-1").partition("?")[0]}
        await router(scope, receive, send)

    return Compressed(for_its_own_hosts(routed, config))


def parameters(request: Request) -> dict[str, str]:
    """The parameters of the query string. Raises `InvalidData` for one that stands there twice."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise InvalidData(f"the parameter {name!r} stands there twice")
        found[name] = value
    return found


async def _openapi(request: Request) -> Response:
    headers = {"Cache-Control": "no-cache"}
    return tagged(Response(known_document(), media_type="application/json", headers=headers), request)


async def _nothing(pages: Pages, scope: Scope, receive: Receive, send: Send) -> None:
    """Says that there is no such path: to a browser as a page."""
    error = NotFound(f"there is nothing at {scope['path'][:200]}")
    request = Request(scope)
    for_people = "text/html" in request.headers.get("accept", "") and not scope["path"].startswith("/api/")
    response = pages.show_problem(request, error, "") if for_people else problem(error)
    await response(scope, receive, send)

# SPDX-License-Identifier: Apache-2.0
"""`/mcp`: the protocol over streamable HTTP, each request for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from otel_sessions.clickhouse.connection import Store
from otel_sessions.extensions.web.problems import NotInstalled, WrongMethod, problem
from otel_sessions.queries.history import Memory

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH: Final = "/mcp"
MISSING: Final = (
    "the Model Context Protocol needs the extra mcp, as in pip install '.[mcp]' in a clone of otel-sessions"
)
_MAX_REQUEST: Final = 1 << 20
_ADVICE: Final[Mapping[int, str]] = {
    406: "this endpoint answers JSON; send the header Accept: application/json, text/event-stream",
    413: f"the request is over the limit of {_MAX_REQUEST} bytes",
}
"""What is told of a refusal to which the SDK has no words, or its own."""


def is_installed() -> bool:
    """Whether the extra `mcp` is there."""
    return find_spec("mcp") is not None and find_spec("mcp_types") is not None


class Mcp:
    """An application for requests whose `state.project` is known. The SDK is loaded by the first of them.

    `memory` is what it shares with the replay by REST.
    """

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store = store
        self._memory = memory
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_installed():
            await problem(NotInstalled(MISSING))(scope, receive, send)
        elif scope["method"] != "POST":
            # Nothing is sent unasked and no session is kept, so there is nothing to listen to or to end.
            answer = problem(WrongMethod("this endpoint takes POST"))
            answer.headers["allow"] = "POST"
            await answer(scope, receive, send)
        else:
            if self._started is None:
                self._started = asyncio.get_running_loop().create_future()
                self._running = asyncio.create_task(self._run(self._started))
            await asyncio.shield(self._started)
            assert self._manager is not None
            await self._manager.handle_request(scope, receive, _with_problems(scope, receive, send))

    async def _run(self, started: asyncio.Future[None]) -> None:
        """Runs the SDK's session manager until the event loop ends, which cancels this."""
        try:
            self._manager = await asyncio.to_thread(self._make)
            async with self._manager.run():
                started.set_result(None)
                await asyncio.Event().wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)
            self._started = None

    def _make(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415

        from otel_sessions.extensions.web.mcp.server import make_server  # noqa: PLC0415

        server = make_server(self._store.run, lambda context: project_of(context.request), self._memory)
        return StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, max_request_body_size=_MAX_REQUEST
        )


def _with_problems(scope: Scope, receive: Receive, send: Send) -> Send:
    """`send`, but what the SDK refuses as HTTP has it is a problem. What the protocol has as an error stays its own."""
    status, said = 0, bytearray()

    async def sending(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            types = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            is_of_protocol = any(type_.startswith((b"application/json", b"text/event-stream")) for type_ in types)
            status = 0 if message["status"] < 400 or is_of_protocol else message["status"]
        if not status:
            await send(message)
            return
        said.extend(message.get("body", b""))
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            detail = _ADVICE.get(status) or said.decode(errors="replace") or None
            await problem(HTTPException(status, detail))(scope, receive, send)

    return sending


def project_of(request: Any) -> str:
    """The project of a request's credentials, which were checked before it came here."""
    assert isinstance(request, Request)
    project: str = request.state.project
    return project

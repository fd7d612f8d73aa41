"""Before the application of OTLP/HTTP: whose request is it?"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.errors import Unauthenticated
from otel_sessions.receivers.otlp.access import Access
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.http_formats import refusal_format


class Authenticated:
    """Requests reach `app` with their project in `request.state.project`; others are refused with their body unread."""

    def __init__(self, app: ASGIApp, access: Access, accounting: Accounting) -> None:
        self._app = app
        self._access = access
        self._accounting = accounting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            request.state.project = await self._project(request)
        except Exception as error:  # noqa: BLE001 - status_of knows what each means
            await self.refusal(request, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _project(self, request: Request) -> str:
        client = request.client.host if request.client else "somebody"
        if self._access.is_open:
            return self._access.project_of(request.headers, client)
        return await run_in_threadpool(self._access.project_of, request.headers, client)

    def refusal(self, request: Request, error: Exception) -> Response:
        """The answer to who is not let in, as OTLP has it."""
        answer = refusal_format(request.headers.get("content-type", "")).refusal(self._accounting.refused(error))
        if isinstance(error, Unauthenticated):
            answer.headers["www-authenticate"] = error.challenge
        return answer

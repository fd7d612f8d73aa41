# SPDX-License-Identifier: Apache-2.0
"""`/login` and `/logout`, where an authenticator knows the readers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from otel_sessions.errors import Unauthenticated
from otel_sessions.extensions.web.access import COOKIE, WebAccess
from otel_sessions.extensions.web.origin import check_origin
from otel_sessions.extensions.web.pages.environment import environment
from otel_sessions.extensions.web.problems import NotFound, TooManyRequests, problem
from otel_sessions.http.auth import client_of
from otel_sessions.http.body import NOBODY_READS

if TYPE_CHECKING:
    from otel_sessions.extensions.web.pages.app import Pages

PATH: Final = "/login"
_WRONG: Final = {True: "The name is not known, or the password is wrong.", False: "The token is not known."}
_MAX_CHARS: Final = 1024


class Login:
    """Shows the form, and takes it. Without an authenticator that has one, its addresses are 404."""

    def __init__(self, pages: Pages, access: WebAccess, base: str, lifetime_s: float) -> None:
        self._pages = pages
        self._access = access
        self._base = base
        self._lifetime_s = lifetime_s

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, partial(self._answer, self._show), methods=["GET"]),
            Route(PATH, partial(self._answer, self._log_in), methods=["POST"]),
            Route("/logout", partial(self._answer, self._log_out), methods=["POST"]),
        ]

    def leads(self, request: Request, error: Exception) -> Response | None:
        """The way to the form, for a browser that asks for a page without credentials; None for any other request."""
        asks = isinstance(error, Unauthenticated) and request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        if not asks or not self._access.has_form or self._access.has_credentials(request.headers):
            return None
        here = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{self._base}{PATH}?back={quote(self._base + here, safe='')}", 303)

    async def _answer(self, handler: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
        """What the handler answers, or the page that tells of what it raises; 404 where nobody logs in."""
        try:
            if not self._access.has_form:
                raise NotFound("nobody logs in here")  # noqa: TRY301
            return await handler(request)
        except ClientDisconnect:
            return NOBODY_READS
        except Exception as error:  # noqa: BLE001 - show_problem knows what each means
            return self._pages.show_problem(request, error, "")

    async def _show(self, request: Request) -> Response:
        return self._form(request, request.query_params.get("back", ""))

    async def _log_in(self, request: Request) -> Response:
        check_origin(request, self._pages.public_url)
        form = await self._pages.read_form(request)
        name, secret, back = (form.get(key, "") for key in ("name", "secret", "back"))
        client = client_of(request)
        try:
            value = await run_in_threadpool(self._access.log_in, name[:_MAX_CHARS], secret[:_MAX_CHARS], client)
        except (Unauthenticated, TooManyRequests) as error:
            return self._form(request, back, error)
        response = RedirectResponse(self._pages.within(back), 303)
        self._pages.set_cookie(response, request, COOKIE, value, self._lifetime_s)
        self._pages.set_token(response, request, secrets.token_urlsafe(24))
        return response

    async def _log_out(self, request: Request) -> Response:
        check_origin(request, self._pages.public_url)
        await self._pages.read_form(request)
        self._access.log_out(request.headers)
        response = RedirectResponse(f"{self._base}{PATH}", 303)
        self._pages.set_cookie(response, request, COOKIE, "", 0)
        return response

    def _form(self, request: Request, back: str, error: Exception | None = None) -> Response:
        token = self._pages.token_of(request)
        told = problem(error) if error else None
        failed = None if told is None else _WRONG[self._access.wants_name]
        if isinstance(error, TooManyRequests):
            failed = f"Too many wrong guesses came from here. Try again in {told.headers['retry-after']} s."  # type: ignore[union-attr]
        values: dict[str, Any] = {"back": back, "wants_name": self._access.wants_name, "failed": failed}
        html = environment().get_template("login.html").render({**self._pages.frame(token), **values})
        response = self._pages.page(html, told.status_code if told else 200)
        if told and "retry-after" in told.headers:
            response.headers["retry-after"] = told.headers["retry-after"]
        self._pages.set_token(response, request, token)
        return response

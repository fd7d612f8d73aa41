# SPDX-License-Identifier: Apache-2.0
"""The pages as an application: a route a page, a route a form, and the files they load."""

from __future__ import annotations

import hmac
import logging
import mimetypes
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import orjson
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from otel_sessions.clickhouse.connection import Store
from otel_sessions.clickhouse.surface import Client
from otel_sessions.component import Host
from otel_sessions.errors import InvalidData
from otel_sessions.extensions.web.access import WebAccess, check_role, goes_as_far_as
from otel_sessions.extensions.web.api.operation import Call, Parameters
from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.deleter import Deleter
from otel_sessions.extensions.web.etags import tagged
from otel_sessions.extensions.web.origin import check_origin
from otel_sessions.extensions.web.pages.actions import MENDABLE, again
from otel_sessions.extensions.web.pages.environment import environment, static_bytes, static_name
from otel_sessions.extensions.web.pages.login import PATH, Login
from otel_sessions.extensions.web.pages.routes import ACTIONS, NAVIGATION, PAGES, PUBLIC
from otel_sessions.extensions.web.pages.shares import HEADERS
from otel_sessions.extensions.web.pages.visit import Action, Done, Page, Shown, Visit
from otel_sessions.extensions.web.problems import Forbidden, problem
from otel_sessions.http.auth import client_of
from otel_sessions.http.body import NOBODY_READS, Bodies
from otel_sessions.queries.keyed import Known, remembering

_MAX_FORM: Final = 256 << 10
_MAX_FORMS: Final = 8 << 20
_TOKEN: Final = "otel_sessions_form"  # noqa: S105 - the name of a cookie
_TOLD: Final = "otel_sessions_told"  # the name of the cookie that has what the next page tells
_TOLD_S: Final = 60
_FIELD: Final = "_form"
_logger = logging.getLogger(__name__)
SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers of every page: nothing is loaded from elsewhere, nothing runs that is not a file of ours."""
Made = tuple[str, Shown]
"""The HTML of a page or of a part of it, with the places of further parts, and what it was made of."""
_MARK: Final = secrets.token_hex(16)
"""Chosen anew in each process, so that no stored content can be taken for a place."""
_PLACE: Final = re.compile(rf"<!--{_MARK}:(\w+)-->")


class Pages:
    """Answers browsers: reads by GET, acts by forms, and tells in words what went wrong."""

    def __init__(self, config: Config, store: Store, deleter: Deleter, access: WebAccess, host: Host) -> None:
        self._config = config
        self._store = store
        self._deleter = deleter
        self._access = access
        self._host = host
        self._base = urlsplit(config.public_url or "").path.rstrip("/")
        self._forms = Bodies(_MAX_FORM, _MAX_FORMS)
        self._login = Login(self, access, self._base, config.login.lifetime)

    @property
    def public_url(self) -> str | None:
        return self._config.public_url

    def routes(self) -> Sequence[BaseRoute]:
        """A route for each page and form, for the login, and for the files that pages load."""
        read = {path: partial(self._show, page, is_open=path in PUBLIC) for path, page in PAGES}
        sent = {path: partial(self._act, action) for path, action in ACTIONS}
        return [
            *(Route(path.replace("}", ":segment}"), show, methods=["GET"]) for path, show in read.items()),
            *(Route(path.replace("}", ":segment}"), act, methods=["POST"]) for path, act in sent.items()),
            *self._login.routes(),
            Route("/", self._root),
            Route("/static/{name:segment}", _static, methods=["GET"]),
        ]

    async def _root(self, _: Request) -> Response:
        return RedirectResponse(f"{self._base}/sessions", 307)

    async def _show(self, page: Page, request: Request, *, is_open: bool) -> Response:
        """The answer to a request for a page; `is_open` says that it needs no credentials."""
        token = self.token_of(request)
        told = unquote(request.cookies.get(_TOLD, "")) if "fragment" not in request.query_params else ""
        known: Known = {}
        try:
            project = "" if is_open else await self._project(request)

            async def made(page: Page) -> Made:
                return await self._store.run(
                    lambda client: self._rendered(
                        page, self._visit(remembering(client, known), request, project), token, told
                    )
                )

            html, shown = await made(page)
        except ClientDisconnect:
            return NOBODY_READS
        except Exception as error:  # noqa: BLE001 - problem knows what each means
            return self.show_problem(request, error, token, is_open=is_open)
        response = (
            self._streamed(request, (html, shown), made)
            if shown.later
            else self.page(html, shown.status, **shown.headers)
        )
        if _TOKEN not in request.cookies and not is_open:
            self.set_token(response, request, token)
        if told:
            self.set_cookie(response, request, _TOLD, "", 0)
        return response

    def _streamed(self, request: Request, begun: Made, made: Callable[[Page], Awaitable[Made]]) -> Response:
        """The page as its parts are made. One that cannot be made says so in its place, and the others follow."""

        async def part(shown: Shown, name: str) -> Made:
            try:
                return await made(shown.later[name])
            except Exception as error:  # noqa: BLE001 - problem knows what each means
                told = orjson.loads(bytes(problem(error).body))
                _logger.warning("the part %s of the page %s is missing: %s", name, request.url.path, told["detail"])
                self._host.metrics.broken_pages.labels(name).inc()
                broken = Shown("broken.html", {"problem": told})
                return environment().get_template(broken.template).render(broken.values), broken

        html, shown = ("", begun[1]) if request.method == "HEAD" else begun
        body = pieces((html, shown), part)
        return StreamingResponse(body, shown.status, {**SECURITY, **shown.headers}, "text/html")

    async def _act(self, action: Action, request: Request) -> Response:
        """The answer to a form: the way on, or a page that is shown this once."""
        form: dict[str, str] = {}
        try:
            check_origin(request, self.public_url)
            project = await self._project(request)
            check_role(project, "admin" if request.scope["path"].endswith("/delete") else "annotate")
            form = await self.read_form(request)
            done = await self._store.run(lambda client: self._done(action, client, request, project, form))
        except ClientDisconnect:
            return NOBODY_READS
        except Exception as error:  # noqa: BLE001 - problem knows what each means
            return self.show_problem(request, error, request.cookies.get(_TOKEN, ""), form=form)
        if isinstance(done, Done):
            answer = RedirectResponse(self.within(done.to), 303, headers=dict(SECURITY))
            self.set_cookie(answer, request, _TOLD, quote(done.told), _TOLD_S)
            return answer
        if isinstance(done, str):
            return RedirectResponse(self.within(done), 303, headers=dict(SECURITY))
        return self.page(done[0], done[1].status, **done[1].headers)

    async def _project(self, request: Request) -> str:
        return await run_in_threadpool(self._access.project_of, request.headers, client_of(request))

    async def read_form(self, request: Request) -> dict[str, str]:
        """What a form sent. Raises `Forbidden` without the token that its page had."""
        body = await self._forms.take(request, lambda body: body.unpacked())
        try:
            sent = dict(parse_qsl(bytes(body).decode(), keep_blank_values=True, max_num_fields=200))
        except ValueError as error:
            raise InvalidData("this is not what a form sends") from error
        token = request.cookies.get(_TOKEN, "")
        if not token or not hmac.compare_digest(token.encode(), sent.pop(_FIELD, "").encode()):
            raise Forbidden("this form has expired; load its page again")
        return sent

    def _visit(self, client: Client, request: Request, project: str, form: dict[str, str] | None = None) -> Visit:
        call: Call[Any, Any] = Call(
            project=project,
            ids=request.path_params,
            parameters=Parameters(),
            body=None,
            config=self._config,
            base_url=self._config.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}",
            headers=request.headers,
            now_ns=time.time_ns(),
            store=self._store,
            deleter=self._deleter,
        )
        path = self._base + request.scope["path"]
        return Visit(client, call, self._host, self._base, path, request.query_params.multi_items(), form or {})

    def _done(
        self, action: Action, client: Client, request: Request, project: str, form: dict[str, str]
    ) -> str | Done | tuple[str, Shown]:
        """Where to go on, or what is shown this once."""
        visit = self._visit(client, request, project, form)
        done = action(visit)
        if not isinstance(done, Shown):
            return done
        return self._rendered(lambda _: done, visit, request.cookies.get(_TOKEN, ""))

    def _rendered(self, page: Page, visit: Visit, token: str, told: str = "") -> Made:
        shown = page(visit)
        project = visit.call.project
        frame = {
            **self.frame(token, is_known=self._access.logged_in(visit.call.headers) is not None),
            "flash": told,
            "may_add": bool(project) and goes_as_far_as(project, "annotate"),
            "may_delete": bool(project) and goes_as_far_as(project, "admin"),
        }
        values = {"here": visit.here, "now": visit.now, **frame, **shown.values}
        return environment().get_template(shown.template).render(values), shown

    def frame(self, token: str, *, is_known: bool = False) -> dict[str, Any]:
        """What every page needs; with `is_known` the reader can log out."""
        return {
            "base": self._base,
            "static": lambda name: f"{self._base}/{static_name(name)}",
            "navigation": NAVIGATION,
            "section": "",
            "user": is_known,
            "flash": None,
            "shared": False,
            "may_add": False,
            "may_delete": False,
            "later": place,
            "csrf_field": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(_FIELD, token),
        }

    def show_problem(
        self,
        request: Request,
        error: Exception,
        token: str,
        *,
        is_open: bool = False,
        form: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer that REST would give, as a page, or the way to the login. A `form` that was refused is shown again
        where other words may do, with the way back to where it stood.
        """
        if not is_open and (answer := self._login.leads(request, error)):
            return answer
        answer = problem(error)
        told = orjson.loads(bytes(answer.body))
        told.setdefault("title", HTTPStatus(answer.status_code).phrase)
        path = self._base + request.scope["path"]
        values = {
            **self.frame(token),
            "problem": told,
            "shared": is_open,
            "here": request.scope["path"],
            "back": "" if form is None else self.within(form.get("back") or path.rpartition("/")[0]),
            "again": again(path, form or {}) if answer.status_code in MENDABLE else None,
        }
        html = environment().get_template("problem.html").render(values)
        request.state.reason = told["detail"]
        kept = {name: answer.headers[name] for name in ("retry-after", "www-authenticate") if name in answer.headers}
        return self.page(html, answer.status_code, **kept, **(HEADERS if is_open else {}))

    def page(self, html: str, status: int, **headers: str) -> Response:
        """A page as a response, with the headers that all pages have."""
        return Response(html, status, {**SECURITY, **headers}, "text/html")

    def token_of(self, request: Request) -> str:
        """The token that the forms of this reader's pages carry, by which forms of other sites are told."""
        return request.cookies.get(_TOKEN) or secrets.token_urlsafe(24)

    def set_token(self, response: Response, request: Request, token: str) -> None:
        self.set_cookie(response, request, _TOKEN, token, 30 * 86_400)

    def set_cookie(self, response: Response, request: Request, name: str, value: str, seconds: float) -> None:
        """Sets a cookie that no script reads and no other site sends; `secure` where pages are reached over HTTPS."""
        secure = request.url.scheme == "https" or (self.public_url or "").startswith("https://")
        path = self._base or "/"
        response.set_cookie(name, value, int(seconds), path=path, httponly=True, samesite="strict", secure=secure)

    def within(self, to: str) -> str:
        """The address if it is one of this site, else that of the list: a form must not lead a reader elsewhere."""
        parts = urlsplit(to)
        safe = not parts.scheme and not parts.netloc and to.startswith("/") and not to.startswith(("//", "/\\"))
        safe = safe and parts.path != f"{self._base}{PATH}"
        return to if safe and not any(ord(char) < 0x20 for char in to) else f"{self._base}/sessions"


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    try:
        content = static_bytes(name)
    except KeyError:
        return Response("there is no such file\n", 404, dict(SECURITY), "text/plain")
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") else "public, max-age=300"
    type_ = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    return tagged(Response(content, headers=headers, media_type=type_), request)


def place(name: str) -> Markup:
    """Where the part `name` of `Shown.later` is to stand in a template."""
    return Markup(f"<!--{_MARK}:{name}-->")  # noqa: S704 - both are ours


async def pieces(made: Made, make: Callable[[Shown, str], Awaitable[Made]]) -> AsyncIterator[str]:
    """A page in pieces, each as soon as it is known: what stands before a part, then the part with what follows it.

    `make` works a part of a page out by its name.
    """
    html, shown = made
    before, *rest = _PLACE.split(html)
    yield before
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        if name in shown.later:
            async for piece in pieces(await make(shown, name), make):
                yield piece
        yield after

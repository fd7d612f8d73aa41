# /// script
# requires-python = ">=3.11"
# dependencies = ["otel-sessions", "starlette", "flask", "django", "httpx"]
# ///
"""Middleware for Starlette (and FastAPI), Flask and Django: the session is a header's or a cookie's.

    python examples/run.py web

A cookie comes from a browser, and says what its owner likes. Take it for a session id only after you have checked it,
as you would before you show someone their history: here it has to be of letters, digits, `-` and `_`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from opentelemetry.trace import get_current_span

from otel_sessions import configure, observe, session, update_current_trace

VALID = re.compile(r"[\w-]{1,64}")


def session_id(headers: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
    """The session of a request; None means none, which `session` takes as it is."""
    found = headers.get("x-session-id") or cookies.get("session_id")
    return found if found and VALID.fullmatch(found) else None


@observe
def work(framework: str) -> str:
    return f"hello from {framework}"


# Starlette, FastAPI: pure ASGI, so that streamed answers are inside, too. Where an instrumentation has opened a span
# for the request already, `update_current_trace` puts it into the session as well.


class SessionMiddleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import HTTPConnection

        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        async with session(found := session_id(request.headers, request.cookies)):
            if get_current_span().is_recording():
                update_current_trace(session_id=found)
            await self.app(scope, receive, send)


def starlette_app() -> Any:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def home(request: Any) -> PlainTextResponse:
        return PlainTextResponse(work("starlette"))

    return Starlette(routes=[Route("/", home)], middleware=[Middleware(SessionMiddleware)])


# Flask: around the WSGI application, since hooks before and after a request are not a block.


def wsgi_sessions(app: Callable[..., Any]) -> Callable[..., Any]:
    from werkzeug.wrappers import Request

    def wrapped(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        with session(session_id(request.headers, request.cookies)):
            return app(environ, start_response)

    return wrapped


def flask_app() -> Any:
    from flask import Flask

    app = Flask("example")
    app.add_url_rule("/", view_func=lambda: work("flask"))
    app.wsgi_app = wsgi_sessions(app.wsgi_app)  # type: ignore[method-assign]
    return app


# Django: MIDDLEWARE = ["web.django_sessions", ...]


def django_sessions(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def middleware(request: Any) -> Any:
        with session(session_id(request.headers, request.COOKIES)):
            return get_response(request)

    return middleware


def django_app() -> Any:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    urls = [path("", lambda request: HttpResponse(work("django")))]
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=tuple(urls), MIDDLEWARE=[f"{__name__}.django_sessions"], LOGGING_CONFIG=None
    )
    return get_wsgi_application()


async def ask_asgi() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(starlette_app()), base_url="http://app") as http:
        print((await http.get("/", headers={"X-Session-ID": "web-starlette"})).text)


def ask_wsgi(app: Any, id_: str) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://app", cookies={"session_id": id_}) as http:
        print(http.get("/").text)


if __name__ == "__main__":
    configure("web")
    asyncio.run(ask_asgi())
    ask_wsgi(flask_app(), "web-flask")
    ask_wsgi(django_app(), "web-django")

"""OTLP/HTTP as an ASGI application: what is where, and what web pages may."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from google.rpc import code_pb2 as code
from google.rpc.status_pb2 import Status
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.errors import Unauthenticated
from otel_sessions.http.auth import Access, Authenticated
from otel_sessions.langfuse import OTLP_BASE, PREFIX, TRACES_PATH, LangfuseApi
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.config import Cors, HttpSettings
from otel_sessions.receivers.otlp.http_export import HttpTraces
from otel_sessions.receivers.otlp.http_formats import refusal_format
from otel_sessions.receivers.otlp.unimplemented import SIGNALS, Notices, message_of

_OTHER_SIGNALS: Final = {f"{base}/v1/{signal}": signal for base in ("", OTLP_BASE) for signal in SIGNALS}


def application(
    settings: HttpSettings, traces: HttpTraces, access: Access, accounting: Accounting, langfuse: LangfuseApi
) -> ASGIApp:
    """Answers traces at their paths, Langfuse's API, and every other request with a `google.rpc.Status`.

    What answers finds the project of its request in `request.state.project`. Questions about CORS are answered before
    anybody asks for credentials: browsers send none with them.
    """

    def refuse(request: Request, error: Exception) -> Response:
        answer = refusal_format(request.headers.get("content-type", "")).refusal(accounting.refused(error))
        if isinstance(error, Unauthenticated):
            answer.headers["www-authenticate"] = error.challenge
        return answer

    paths = Paths({settings.traces_url_path: traces.answer, TRACES_PATH: traces.answer})
    app = Under(langfuse.application(access, accounting.refused), Authenticated(paths, access, refuse))
    return with_cors(app, settings.cors) if settings.cors.allowed_origins else app


class Under:
    """`langfuse` has what is under its prefix, but for the paths of OTLP, and `otlp` all else."""

    def __init__(self, langfuse: ASGIApp, otlp: ASGIApp) -> None:
        self._langfuse = langfuse
        self._otlp = otlp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        app = self._langfuse if path.startswith(PREFIX) and not path.startswith(f"{OTLP_BASE}/") else self._otlp
        await app(scope, receive, send)


class Paths:
    """POST to a path of `answers` is answered there; the log has a line for each host that sends other signals."""

    def __init__(self, answers: dict[str, Callable[[Request], Awaitable[Response]]]) -> None:
        self._answers = answers
        self._notices = Notices()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(Request(scope, receive))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        path = request.scope["path"]
        if path not in self._answers:
            return self._unknown(request, path)
        if request.method != "POST":
            answer = _refusal(request, 405, code.UNIMPLEMENTED, f"{request.method} is not supported; send POST")
            answer.headers["allow"] = "POST"
            return answer
        return await self._answers[path](request)

    def _unknown(self, request: Request, path: str) -> Response:
        signal = _OTHER_SIGNALS.get(path)
        if signal is None:
            return _refusal(
                request, 404, code.NOT_FOUND, f"there is nothing here; traces go to {', '.join(self._answers)}"
            )
        self._notices.log(signal, request.client.host if request.client else "somebody")
        return _refusal(request, 404, code.UNIMPLEMENTED, message_of(signal))


def _refusal(request: Request, http: int, code_: int, message: str) -> Response:
    return refusal_format(request.headers.get("content-type", "")).refusal(Status(code=code_, message=message), http)


def with_cors(app: ASGIApp, cors: Cors) -> ASGIApp:
    """As the Collector: credentials are allowed, since browsers send them with `navigator.sendBeacon`."""
    return CORSMiddleware(
        app,
        allow_origin_regex=_any_of(cors.allowed_origins),
        allow_methods=["POST"],
        allow_headers=["X-Requested-With", *cors.allowed_headers],
        allow_credentials=True,
        max_age=int(cors.max_age),
    )


def _any_of(origins: Sequence[str]) -> str:
    return "(?i:" + "|".join(".*".join(map(re.escape, origin.split("*"))) for origin in origins) + ")"

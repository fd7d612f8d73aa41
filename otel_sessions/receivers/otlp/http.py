# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP: what is where, and `POST /v1/traces`, a body in, the consumer's outcome out.

One event loop reads the bodies, hands small ones in protobuf over to the consumer, and waits for the outcomes; a few
threads inflate, turn JSON into protobuf and hand over what is large, so that nothing keeps the loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2 as code
from google.rpc.status_pb2 import Status
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.component import Consumer, Host, Outcome
from otel_sessions.component import Request as ExportRequest
from otel_sessions.errors import Retryable, Unauthenticated
from otel_sessions.footprint import give_back_pieces
from otel_sessions.http.auth import Access, Authenticated, client_of
from otel_sessions.http.body import NOBODY_READS, Bodies, Body, SlowBody, UnsupportedMediaType
from otel_sessions.http.mounts import Listener, Mounted
from otel_sessions.http.server import HttpServer
from otel_sessions.receivers.otlp.accounting import SIGNALS, Accounting
from otel_sessions.receivers.otlp.config import Cors, HttpSettings
from otel_sessions.receivers.otlp.json import protobuf_of
from otel_sessions.receivers.otlp.status import http_status, response_of, retry_after

OPEN_REQUESTS: Final = 1024
"""Requests at work; those beyond are told at once to come back."""
WORKERS: Final = 4
"""Threads of each encoding: those that are busy with large JSON keep no protobuf waiting."""
LARGE_BYTES: Final = 256 * 2**10
"""A body of so many bytes takes long enough for its digest to keep others waiting."""
_TRACES: Final = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Format:
    """`protobuf_of` makes protobuf of a request body and raises `InvalidData`, which is quick for less than
    `light_bytes`; `encode` writes an answer."""

    content_type: str
    protobuf_of: Callable[[bytes], bytes]
    encode: Callable[[Message], bytes]
    light_bytes: int = 0

    def answer(self, message: Message, status_code: int = 200) -> Response:
        return Response(self.encode(message), status_code, media_type=self.content_type)


PROTOBUF: Final = Format(
    "application/x-protobuf", lambda body: body, lambda message: message.SerializeToString(), LARGE_BYTES
)
JSON: Final = Format(
    "application/json", protobuf_of, lambda message: json_format.MessageToJson(message, indent=None).encode()
)
_FORMATS: Final[Mapping[str, Format]] = {each.content_type: each for each in (PROTOBUF, JSON)}


def http_server(
    settings: HttpSettings,
    consumer: Consumer,
    accounting: Accounting,
    access: Access,
    host: Host,
    *,
    name: str,
    path: str,
) -> HttpServer:
    """Answers traces at their paths, the APIs of `host.mounts`, and every other request with a `google.rpc.Status`.

    Questions about CORS are answered before anybody asks for credentials: browsers send none with them.
    """
    listener = Listener(consumer, access, accounting.count_refused, settings.max_request_body_size)
    mounted = [mount(listener) for mount in host.mounts]
    bodies = Bodies(settings.max_request_body_size, host.received)
    traces = HttpTraces(consumer, accounting, bodies)
    bases = ["", *(each.otlp_base for each in mounted)]
    paths = Paths([settings.traces_url_path, *(base + _TRACES for base in bases[1:])], bases, traces.answer, accounting)

    def close() -> None:
        traces.close()
        for each in mounted:
            each.close()

    app: ASGIApp = Beside(mounted, Authenticated(paths, access, partial(_refusal, accounting)))
    if settings.cors.allowed_origins:
        app = _with_cors(app, settings.cors)
    return HttpServer(app, settings.endpoint, host, name=name, path=path, tls=settings.tls, on_stop=close)


class Beside:
    """Requests under the prefix of a mounted API go there, and all others to `otlp`."""

    def __init__(self, mounted: Sequence[Mounted], otlp: ASGIApp) -> None:
        self._mounted = mounted
        self._otlp = otlp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        app = next((each.app for each in self._mounted if each.has(path)), self._otlp)
        await app(scope, receive, send)


class Paths:
    """POST to one of `paths` is answered by `answer`; the log has a line for each host that sends other signals.

    `bases` are what may stand before `/v1/logs` and `/v1/metrics`.
    """

    def __init__(
        self,
        paths: Sequence[str],
        bases: Sequence[str],
        answer: Callable[[Request], Awaitable[Response]],
        accounting: Accounting,
    ) -> None:
        self._paths = paths
        self._answer = answer
        self._accounting = accounting
        self._other_signals = {f"{base}/v1/{signal}": signal for base in bases for signal in SIGNALS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, path = Request(scope, receive), scope["path"]
        if path in self._paths and request.method == "POST":
            answer = await self._answer(request)
        elif path in self._paths:
            refused = Status(code=code.UNIMPLEMENTED, message=f"{request.method} is not supported; send POST")
            answer = _answer(request, refused, 405)
            answer.headers["allow"] = "POST"
        elif path in self._other_signals:
            message = self._accounting.note_other_signal(self._other_signals[path], client_of(request))
            request.state.is_told = True
            answer = _answer(request, Status(code=code.UNIMPLEMENTED, message=message))
        else:
            message = f"there is nothing here; traces go to {', '.join(self._paths)}"
            answer = _answer(request, Status(code=code.NOT_FOUND, message=message))
        await answer(scope, receive, send)


class HttpTraces:
    """Answers every request with what its consumer says, and counts it."""

    def __init__(self, consumer: Consumer, accounting: Accounting, bodies: Bodies) -> None:
        self._consumer = consumer
        self._accounting = accounting
        self._bodies = bodies
        self._pools = {type_: ThreadPoolExecutor(WORKERS, thread_name_prefix="otlp-http") for type_ in _FORMATS}
        self._open = 0

    async def answer(self, request: Request) -> Response:
        """Raises nothing: every error is an answer, and that of a cancelled request is to come back."""
        self._open += 1
        try:
            return await self._export(request)
        except ClientDisconnect:
            self._accounting.count_refused_as(code.CANCELLED)
            return NOBODY_READS
        except asyncio.CancelledError:  # the server's time to stop is over
            return _refusal(self._accounting, request, Retryable("the service is shutting down"))
        except Exception as error:  # noqa: BLE001 - status_of knows what each means
            return _refusal(self._accounting, request, error)
        finally:
            self._open -= 1

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False)

    async def _export(self, request: Request) -> Response:
        if self._open > OPEN_REQUESTS:
            raise Retryable(f"{OPEN_REQUESTS} requests are waiting already")
        content_type = request.headers.get("content-type", "")
        format_ = _FORMATS.get(_essence(content_type))
        if format_ is None:
            named = (
                f"the content type {content_type!r} is not supported" if content_type else "there is no content type"
            )
            raise UnsupportedMediaType(f"{named}; send {' or '.join(_FORMATS)}")
        hand_over = partial(self._hand_over, format_, request.state.project, client_of(request))
        pool = self._pools[format_.content_type]
        async with self._bodies.read(request) as body:  # it counts until it is answered
            future = await self._bodies.work(body, hand_over, pool, light_bytes=format_.light_bytes)
            outcome = await _outcome(future, request.receive)
        return NOBODY_READS if outcome is None else format_.answer(response_of(outcome))

    def _hand_over(self, format_: Format, project: str, client: str, body: Body) -> Future[Outcome]:
        """In a worker, unless it is quick; nothing here holds the body any longer then."""
        request = ExportRequest(format_.protobuf_of(body.taken()), project)
        give_back_pieces(len(request.body))
        future = self._consumer.consume(request)
        future.add_done_callback(partial(self._accounting.count, client=client, project=project))
        return future


async def _outcome(future: Future[Outcome], receive: Receive) -> Outcome | None:
    """The outcome, as soon as it is known; None when the client has gone, whose spans take their way without it."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def done(_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(over.set)

    async def wait_for_the_end_of_the_connection() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        over.set()

    future.add_done_callback(done)
    gone = loop.create_task(wait_for_the_end_of_the_connection())
    try:
        await over.wait()
    finally:
        gone.cancel()
    return future.result() if future.done() else None


def _essence(content_type: str) -> str:
    """The media type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _refusal(accounting: Accounting, request: Request, error: BaseException) -> Response:
    """Counts a request that is refused whole; returns the answer to it."""
    status = accounting.count_refused(error)
    answer = _answer(request, status, 415 if isinstance(error, UnsupportedMediaType) else None)
    match error:
        case UnsupportedMediaType() if error.accept_encoding:
            answer.headers["accept-encoding"] = error.accept_encoding
        case Unauthenticated():
            answer.headers["www-authenticate"] = error.challenge
        case SlowBody():
            answer.headers["connection"] = "close"
    return answer


def _answer(request: Request, status: Status, status_code: int | None = None) -> Response:
    """The status in the request's encoding, or in JSON; `Retry-After` where its client should return."""
    format_ = _FORMATS.get(_essence(request.headers.get("content-type", "")), JSON)
    answer = format_.answer(status, status_code or http_status(status))
    seconds = retry_after(status)
    if seconds is not None:
        answer.headers["retry-after"] = str(seconds)
    return answer


def _with_cors(app: ASGIApp, cors: Cors) -> ASGIApp:
    """As the Collector: credentials are allowed, since browsers send them with `navigator.sendBeacon`."""
    origins = "|".join(".*".join(map(re.escape, origin.split("*"))) for origin in cors.allowed_origins)
    return CORSMiddleware(
        app,
        allow_origin_regex=f"(?i:{origins})",
        allow_methods=["POST"],
        allow_headers=["X-Requested-With", *cors.allowed_headers],
        allow_credentials=True,
        max_age=int(cors.max_age),
    )

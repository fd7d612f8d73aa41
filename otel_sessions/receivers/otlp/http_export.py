"""`POST /v1/traces`: a body in, the consumer's outcome out.

One event loop reads the bodies and waits for the outcomes; a few threads decompress, turn JSON into protobuf and hand
over to the consumer, so that nothing keeps the loop.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from google.rpc.code_pb2 import CANCELLED
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive

from otel_sessions.component import Consumer, Outcome
from otel_sessions.component import Request as ExportRequest
from otel_sessions.errors import Retryable
from otel_sessions.http.body import Bodies, SlowBody
from otel_sessions.http.content_encoding import ContentEncoding, UnsupportedMediaType
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.http_formats import FORMATS, Format, format_of, refusal_format
from otel_sessions.receivers.otlp.status import response_of

OPEN_REQUESTS: Final = 1024
"""Requests at work; those beyond are told at once to come back."""
READ_BODIES: Final = 8
"""How many bodies of the largest size may be in memory before they are handed over."""
WORKERS: Final = 4
"""Threads of each encoding: those that are busy with large JSON keep no protobuf waiting."""
_NOBODY_READS: Final = Response(status_code=499)


class HttpTraces:
    """Answers every request with what its consumer says, and counts it."""

    def __init__(self, consumer: Consumer, accounting: Accounting, max_body: int) -> None:
        self._consumer = consumer
        self._accounting = accounting
        self._max_body = max_body
        self._bodies = Bodies(READ_BODIES * max_body)
        self._pools = {format_: ThreadPoolExecutor(WORKERS, thread_name_prefix="otlp-http") for format_ in FORMATS}
        self._open = 0

    async def answer(self, request: Request) -> Response:
        """Raises nothing: every error is an answer, and that of a cancelled request is to come back."""
        self._open += 1
        try:
            return await self._export(request)
        except ClientDisconnect:
            self._accounting.refused_as(CANCELLED)
            return _NOBODY_READS
        except asyncio.CancelledError:  # the server's time to stop is over
            return self._refusal(request, Retryable("the service is shutting down"))
        except Exception as error:  # noqa: BLE001 - status_of knows what each means
            return self._refusal(request, error)
        finally:
            self._open -= 1

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False)

    async def _export(self, request: Request) -> Response:
        if self._open > OPEN_REQUESTS:
            raise Retryable(f"{OPEN_REQUESTS} requests are waiting already")
        format_ = format_of(request.headers.get("content-type", ""))
        outcome = await _outcome(await self._taken(request, format_), request.receive)
        return _NOBODY_READS if outcome is None else format_.answer(response_of(outcome))

    async def _taken(self, request: Request, format_: Format) -> Future[Outcome]:
        """Reads the body and hands it over; nothing here holds it any longer then."""
        encoding, project = ContentEncoding(request.headers.get("content-encoding", "")), request.state.project
        loop = asyncio.get_running_loop()
        async with self._bodies.read(request, encoding.most(self._max_body)) as body:
            return await loop.run_in_executor(self._pools[format_], self._hand_over, body, encoding, format_, project)

    def _hand_over(self, body: bytes, encoding: ContentEncoding, format_: Format, project: str) -> Future[Outcome]:
        protobuf = format_.protobuf_of(encoding.decoded(body, self._max_body))
        future = self._consumer.consume(ExportRequest(protobuf, project))
        future.add_done_callback(self._accounting.count)
        return future

    def _refusal(self, request: Request, error: BaseException) -> Response:
        status, format_ = self._accounting.refused(error), refusal_format(request.headers.get("content-type", ""))
        answer = format_.refusal(status, 415 if isinstance(error, UnsupportedMediaType) else None)
        answer.headers.update(_headers(error))
        return answer


def _headers(error: BaseException) -> dict[str, str]:
    if isinstance(error, UnsupportedMediaType) and error.accept_encoding:
        return {"accept-encoding": error.accept_encoding}
    return {"connection": "close"} if isinstance(error, SlowBody) else {}


async def _outcome(future: Future[Outcome], receive: Receive) -> Outcome | None:
    """None when the client has gone: its spans take their way without it."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def done(_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(over.set)

    future.add_done_callback(done)
    gone = loop.create_task(_gone(receive, over))
    try:
        await over.wait()
    finally:
        gone.cancel()
    return future.result() if future.done() else None


async def _gone(receive: Receive, over: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    over.set()

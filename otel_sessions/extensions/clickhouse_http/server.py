# SPDX-License-Identifier: Apache-2.0
"""The extension: ClickHouse's HTTP interface as a Starlette application, and the server under it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from otel_sessions.clickhouse.client import Endpoint, endpoint_needed
from otel_sessions.clickhouse.places import Busy
from otel_sessions.clickhouse.writers import Writer
from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.errors import ConfigError, Fault, OtelSessionsError, QueryError
from otel_sessions.extensions.clickhouse_http import answers, native_compression
from otel_sessions.extensions.clickhouse_http.bodies import bodies_of, form_fields, in_clickhouse_words
from otel_sessions.extensions.clickhouse_http.config import Config
from otel_sessions.extensions.clickhouse_http.engine import Engine
from otel_sessions.extensions.clickhouse_http.job import Answer, Job, is_on, is_owner, job
from otel_sessions.http.body import NOBODY_READS, Body
from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import Metrics, logger


class Interface:
    """Turns requests into jobs, runs so many at once, lets so many wait, and sends the others away."""

    def __init__(self, id_: str, engine: Engine, config: Config, metrics: Metrics, owner_secret: str) -> None:
        self._served = metrics.served_queries.labels(id_)
        self._refusals = partial(metrics.refused_queries.labels, id_)
        self._engine = engine
        self._config = config
        self._owner_secret = owner_secret
        self._bodies = bodies_of(config)
        self._slots = asyncio.Semaphore(config.max_concurrent_queries)
        self._present = 0

    async def ping(self, _: Request) -> Response:
        return answers.plain("Ok.\n")

    async def query(self, request: Request) -> Response:
        params = request.query_params
        response = await self._response(request, params.get("query_id"))
        if response is NOBODY_READS:
            return response
        return await run_in_threadpool(answers.packed, response, params, request.headers.get("accept-encoding", ""))

    async def _response(self, request: Request, query_id: str | None) -> Response:
        try:
            if request.method in ("GET", "HEAD") and "query" not in request.query_params:  # is somebody there?
                return answers.plain("Ok.\n")
            owner = is_owner(request.headers, self._owner_secret)
            async with AsyncExitStack() as held:
                with in_clickhouse_words():
                    body = await held.enter_async_context(self._bodies[owner].read(request))
                    wanted = await run_in_threadpool(_job, request, body, owner, self._bodies[owner].limit)
                response = answers.ok(await self._run(wanted), query_id)
        except ClientDisconnect:
            return NOBODY_READS
        except OtelSessionsError as error:
            return self._refused(str(error), query_id)
        except Exception as error:  # noqa: BLE001 - the client is told, and the service lives on
            logger.exception("clickhouse_http: a query failed in an unexpected way")
            return self._refused(f"{type(error).__name__}: {error}", query_id)
        self._served.inc()
        return response

    def _refused(self, message: str, query_id: str | None) -> Response:
        response = answers.failed(message, query_id)
        self._refusals(response.headers["X-ClickHouse-Exception-Code"]).inc()
        return response

    async def _run(self, wanted: Job) -> Answer:
        if self._present >= self._config.max_concurrent_queries + self._config.max_waiting_queries:
            raise QueryError("Code: 202. DB::Exception: Too many queries wait. (TOO_MANY_SIMULTANEOUS_QUERIES)")
        self._present += 1
        try:
            async with self._slots:
                return await run_in_threadpool(self._engine.run, wanted)
        except Busy as error:
            raise QueryError(f"Code: 202. DB::Exception: {error}. (TOO_MANY_SIMULTANEOUS_QUERIES)") from error
        finally:
            self._present -= 1


def _job(request: Request, body: Body, owner: bool, limit: int) -> Job:
    """The job of a request; called in a thread, as bodies may have to be inflated and forms taken apart."""
    params, content = dict(request.query_params), body.unpacked()
    if is_on(params, "decompress"):
        content = native_compression.decompressed(content, limit)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        params |= form_fields(content_type, content)
        content = b""
    return job(params, request.headers, content, get=request.method in ("GET", "HEAD"), owner=owner)


def application(id_: str, engine: Engine, config: Config, metrics: Metrics, owner_secret: str = "") -> Starlette:
    interface = Interface(id_, engine, config, metrics, owner_secret)
    return Starlette(
        routes=[
            Route("/", interface.query, methods=["GET", "POST"]),
            Route("/ping", interface.ping),
            Route("/replicas_status", interface.ping),
        ]
    )


class ClickHouseHttp:
    """Serves the embedded engine of `endpoint`. The engine opens with the first request."""

    def __init__(self, id_: ComponentId, config: Config, endpoint: Endpoint, host: Host) -> None:
        self._engine = Engine(endpoint, config)
        self._data = None if config.read_only else endpoint.path
        self._writer: Writer | None = None
        app = application(str(id_), self._engine, config, host.metrics, host.owner_secret)
        self._server = HttpServer(
            app,
            config.endpoint,
            host,
            name="clickhouse_http",
            path=f"extensions.{id_}.endpoint",
            on_stop=self._stop,
        )

    @property
    def endpoints(self) -> Mapping[str, str]:
        return self._server.endpoints

    def start(self) -> None:
        if self._data is not None and self._writer is None:
            self._writer = Writer(self._data)
        try:
            self._server.start()
        except BaseException:
            self._leave()
            raise

    def shutdown(self, timeout: float) -> None:
        self._server.shutdown(timeout)

    def _stop(self) -> None:
        self._engine.close()
        self._leave()

    def _leave(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.leave()


def create(component_id: ComponentId, config: Config, host: Host) -> ClickHouseHttp:
    """Raises `ConfigError` where the service has no embedded data to serve."""
    endpoint = endpoint_needed(host, component_id, "serves the data")
    if not endpoint.embedded:
        path = f"extensions.{component_id}"
        raise ConfigError([Fault(path, f"serves embedded data only; {endpoint} has an HTTP port of its own")])
    return ClickHouseHttp(component_id, config, endpoint, host)


factory = Factory("clickhouse_http", Config, create, "ClickHouse's HTTP protocol over the embedded data.")

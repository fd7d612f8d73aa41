# SPDX-License-Identifier: Apache-2.0
"""`health_check`: says over HTTP whether the service is well, as the Collector's extension of that name does.

`GET /` answers 200 with `{"status": "Server available", "upSince": RFC 3339, "uptime": "1h2m3.5s"}`, and 503 with
`{"status": "Server not available", ..., "problems": {component: text}}` while a component reports a problem.

Beside it, for those that act on the answer: `/health/live` is 503 when only a restart helps, since a thread has ended
by an error; `/health/ready` is 503 while requests are not taken: at the start and the stop, where the log has no room
or its disk fails, where memory is short. A ClickHouse that is away is no reason there, as the log takes requests
meanwhile; it stands under `problems`. Both answer `{"status": "ok" | "failed", "reasons": {component: text},
"problems": {...}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from otel_sessions.component import ComponentId, Factory, Host, Settings
from otel_sessions.http.server import HttpServer
from otel_sessions.types import HostPort


class Config(Settings):
    endpoint: HostPort = HostPort("127.0.0.1", 13133)
    path: str = "/"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HealthCheck:
    """Answers from `host.health()` at the moment of the request; up since `start`."""

    def __init__(self, id_: ComponentId, config: Config, host: Host, now: Callable[[], datetime] = _utc_now) -> None:
        self._host = host
        self._now = now
        self._since = now()
        app = Starlette(
            routes=[
                Route(config.path, self._answer),
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
            ]
        )
        self._server = HttpServer(app, config.endpoint, host, name="health_check", path=f"extensions.{id_}.endpoint")

    @property
    def endpoints(self) -> Mapping[str, str]:
        return self._server.endpoints

    def start(self) -> None:
        self._since = self._now()
        self._server.start()

    def shutdown(self, timeout: float) -> None:
        self._server.shutdown(timeout)

    def _live(self, _: Request) -> JSONResponse:
        return self._probe(self._host.ended)

    def _ready(self, _: Request) -> JSONResponse:
        return self._probe(self._host.refusing)

    def _probe(self, failing: Set[str]) -> JSONResponse:
        problems = self._problems()
        reasons = {name: problems.pop(name) for name in list(problems) if name in failing}
        status = "failed" if reasons else "ok"
        return JSONResponse(
            {"status": status, "reasons": reasons, "problems": problems}, status_code=503 if reasons else 200
        )

    def _problems(self) -> dict[str, str]:
        return {name: text for name, text in self._host.health().items() if text is not None}

    def _answer(self, _: Request) -> JSONResponse:
        problems = self._problems()
        status = "Server not available" if problems else "Server available"
        body: dict[str, Any] = {
            "status": status,
            "upSince": self._since.isoformat(),
            "uptime": _go_duration(self._now() - self._since),
        }
        if problems:
            body["problems"] = problems
        return JSONResponse(body, status_code=503 if problems else 200)


def _go_duration(elapsed: timedelta) -> str:
    """A duration as Go prints it, `1h2m3.5s`, which is what readers of the Collector's answer parse."""
    seconds = max(elapsed.total_seconds(), 0.0)
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:.6f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{int(hours)}h{int(minutes)}m{text}"
    return f"{int(minutes)}m{text}" if minutes else text


factory = Factory("health_check", Config, HealthCheck, "Says over HTTP whether the service is well.")

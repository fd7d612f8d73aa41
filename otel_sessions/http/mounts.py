"""An API that rides on the HTTP listeners of receivers, beside what these answer themselves: `Host.mounts` has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp

from otel_sessions.component import Consumer
from otel_sessions.http.auth import Access


@dataclass(frozen=True)
class Listener:
    """What an API is told of the listener it rides on.

    `consumer` takes its spans, `access` knows its clients, `count_refused` counts a request that is refused whole, and
    no body is over `max_body` bytes.
    """

    consumer: Consumer
    access: Access
    count_refused: Callable[[Exception], object]
    max_body: int


@dataclass(frozen=True)
class Mounted:
    """The API on one listener.

    `app` has every path under `prefix` but those under `otlp_base`, where the receiver answers as it does at the root.
    `close` is called when the listener has stopped.
    """

    prefix: str
    otlp_base: str
    app: ASGIApp
    close: Callable[[], None]

    def has(self, path: str) -> bool:
        return path.startswith(self.prefix) and not path.startswith(f"{self.otlp_base}/")


Mount = Callable[[Listener], Mounted]

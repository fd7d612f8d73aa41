"""The configuration of `web`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from otel_sessions.component import AuthSettings, Settings
from otel_sessions.http.tls import ServerTls
from otel_sessions.types import ByteSize, Duration, HostPort

_GIB = 1 << 30


def _base(url: str) -> str:
    if not url.startswith(("http://", "https://")) or any(character in url for character in "?# "):
        raise ValueError("write where people reach the pages, as in https://sessions.example.com")
    return url.rstrip("/")


class Config(Settings):
    """`public_url` is where people reach the pages, for links that are given out; by default as the request came.

    The other bounds are those of one query: seconds, bytes of memory, rows read (0 is no bound).
    """

    endpoint: HostPort = HostPort("127.0.0.1", 8080)
    tls: ServerTls | None = None
    auth: AuthSettings | None = None
    sharing: bool = True
    public_url: Annotated[str, AfterValidator(_base)] | None = None
    max_concurrent_queries: Annotated[int, Field(ge=1, le=64)] = 8
    max_execution_time: Annotated[Duration, Field(gt=0)] = 30.0
    max_memory_usage: Annotated[ByteSize, Field(gt=0)] = 4 * _GIB
    max_rows_to_read: Annotated[int, Field(ge=0)] = 0

# SPDX-License-Identifier: Apache-2.0
"""The configuration of `web`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr

from otel_sessions.component import AuthSettings, Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.http.tls import ServerTls
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, ByteSize, Duration, HostPort

_KEY_CHARS: Final = 16


def _base(url: str) -> str:
    if not url.startswith(("http://", "https://")) or any(character in url for character in "?# "):
        raise ValueError("write where people reach the pages, as in https://sessions.example.com")
    return url.rstrip("/")


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _KEY_CHARS:
        raise ValueError(f"write at least {_KEY_CHARS} characters, as `openssl rand -hex 32` gives")
    return secret


class Login(Settings):
    """How long a login lasts; and the key that its cookie is signed with, by default one of each start's own."""

    lifetime: Annotated[Duration, Field(gt=0, le=400 * 86_400)] = 12 * 3600.0
    key: Annotated[SecretStr, AfterValidator(_long)] | None = None


class Config(Settings):
    """`public_url` is where people reach the pages, for links that are given out; by default as the request came.

    The other bounds are those of one query: seconds, bytes of memory (by default as `queries.limits` has it), rows read
    (0 is no bound).
    """

    endpoint: HostPort = HostPort("127.0.0.1", 8080)
    tls: ServerTls | None = None
    auth: AuthSettings | None = None
    allow_unauthenticated: bool = False
    login: Annotated[Login, EMPTY_MEANS_DEFAULTS] = Login()
    sharing: bool = True
    public_url: Annotated[str, AfterValidator(_base)] | None = None
    max_concurrent_queries: Annotated[int, Field(ge=1, le=64)] = 8
    max_execution_time: Annotated[Duration, Field(gt=0)] = 30.0
    max_memory_usage: Annotated[ByteSize, Field(gt=0)] | None = None
    max_rows_to_read: Annotated[int, Field(ge=0)] = 0

    def find_faults(self, used: Used) -> Iterator[Fault]:
        """A fault where other machines reach the pages and nobody is asked who they are."""
        knows = self.auth is not None or (self.tls is not None and self.tls.client_ca_file is not None)
        if not (self.endpoint.is_loopback or knows or self.allow_unauthenticated):
            yield Fault(
                "endpoint",
                f"other machines reach {self.endpoint}, and without `auth` everybody there reads and changes all "
                "sessions; name an authenticator in `auth`, or write `allow_unauthenticated: true`",
            )

# SPDX-License-Identifier: Apache-2.0
"""Who is let in, into which project, and what they may do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.component import DEFAULT_PROJECT, Authenticator, AuthSettings, Host
from otel_sessions.errors import ConfigError, Fault

Role = Literal["read", "annotate", "admin"]
ROLES: Sequence[Role] = ("read", "annotate", "admin")
"""What one may do with the sessions of a project: read them; also add to them and publish them; also delete them."""


class Member(str):
    """A project, as somebody reaches it who has a role there; any other text is a project with the role `admin`."""

    role: Role

    def __new__(cls, project: str, role: Role) -> Member:
        member = super().__new__(cls, project)
        member.role = role
        return member


def role_in(project: str) -> Role:
    """The role of somebody who was let into a project."""
    return project.role if isinstance(project, Member) else "admin"


def client_of(request: Request) -> str:
    """The address of a request's client, without its port; `somebody` where the server does not know it."""
    return request.client.host if request.client else "somebody"


class Access:
    """Asks the authenticator, where there is one; without one everybody may send, to the default project."""

    def __init__(self, authenticator: Authenticator | None = None) -> None:
        self._authenticator = authenticator

    @property
    def is_open(self) -> bool:
        """Whether everybody may send."""
        return self._authenticator is None

    def project_of(self, headers: Mapping[str, str], client: str) -> str:
        """The project that these headers, their names in lower case, are let into; any thread may ask.

        Raises `Unauthenticated`.
        """
        return DEFAULT_PROJECT if self._authenticator is None else self._authenticator.authenticate(headers)


def access_to(host: Host, auth: AuthSettings | None, path: str) -> Access:
    """Who is let in by the `auth` at `path`. Raises `ConfigError` for an authenticator that does not run."""
    return Access(authenticator_of(host, auth, path))


def authenticator_of(host: Host, auth: AuthSettings | None, path: str) -> Authenticator | None:
    """The authenticator that `auth` at `path` names; None without `auth`. Raises `ConfigError` if it does not run."""
    if auth is None:
        return None
    authenticator = host.authenticators.get(auth.authenticator)
    if authenticator is None:
        raise ConfigError([Fault(f"{path}.auth.authenticator", f"'{auth.authenticator}' is no running authenticator")])
    return authenticator


class Authenticated:
    """Requests reach `app` with their project in `request.state.project`.

    Others are refused with what `refuse` makes of the error, their body unread.
    """

    def __init__(self, app: ASGIApp, access: Access, refuse: Callable[[Request, Exception], Response]) -> None:
        self._app = app
        self._access = access
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        project_of = partial(self._access.project_of, request.headers, client_of(request))
        try:
            request.state.project = project_of() if self._access.is_open else await run_in_threadpool(project_of)
        except Exception as error:  # noqa: BLE001 - who refuses knows what each means
            await self._refuse(request, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

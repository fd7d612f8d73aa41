# SPDX-License-Identifier: Apache-2.0
"""Which site a request comes from: other sites' pages may change nothing, and where nobody logs in read nothing
either.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.problems import Forbidden, problem

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::\d{0,5})?", re.ASCII)


def for_its_own_hosts(app: ASGIApp, config: Config) -> ASGIApp:
    """`app`, where everybody on this machine is let in, only under the names of this machine: 403 for all others.

    A page whose name is made to lead to this machine (DNS rebinding) is, to the browser, of one site with this one.
    """
    has_certificates = config.tls is not None and config.tls.client_ca_file is not None
    if config.auth is not None or has_certificates or config.allow_unauthenticated:
        return app
    known = {config.endpoint.host.lower(), (urlsplit(config.public_url or "").hostname or "").lower(), "localhost"}

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        refused = next((host for host in hosts if not _is_known(host, known)), None)
        if refused is None:
            await app(scope, receive, send)
            return
        message = (
            f"nobody is asked who they are here, so only this machine's own names are answered, and {refused[:200]!r} "
            "is none; name it in `public_url`, an authenticator in `auth`, or write `allow_unauthenticated: true`"
        )
        await problem(Forbidden(message))(scope, receive, send)

    return checked


def _is_known(host: str, known: set[str]) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found["v6"] or found["name"]).lower()
    try:
        return name in known or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_origin(request: Request, public_url: str | None) -> None:
    """Raises `Forbidden` for a change that another site's page asks the reader's browser for."""
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Forbidden("this request comes from another site")
    origin = request.headers.get("origin")
    if origin is None:
        return
    known = {request.headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()}
    if urlsplit(origin).netloc.lower() not in known - {""}:
        raise Forbidden("this request comes from another site")

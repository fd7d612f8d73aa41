"""Which page asks for a change: only one of ours may."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from otel_sessions.extensions.web.problems import Forbidden

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


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

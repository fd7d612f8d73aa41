# SPDX-License-Identifier: Apache-2.0
"""ETags of answers (RFC 9110, section 8.8.3): a client that has the same answer already gets a 304."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_ENTITY: Final = ("content-type", "content-length")


def tagged(response: Response, request: Request) -> Response:
    """The answer with a tag of its bytes, weak as it may go out compressed; 304 where `If-None-Match` has that tag."""
    tag = f'W/"{hashlib.blake2b(bytes(response.body), digest_size=12).hexdigest()}"'
    response.headers["ETag"] = tag
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if response.status_code != 200 or (tag.removeprefix("W/") not in known and "*" not in known):
        return response
    kept = {name: value for name, value in response.headers.items() if name not in _ENTITY}
    return Response(status_code=304, headers=kept)

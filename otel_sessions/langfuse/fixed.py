"""Answers that need no data: who the keys belong to, health, prompts and media, which are not kept here."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions import __version__
from otel_sessions.errors import InvalidData
from otel_sessions.http.body import Bodies, Body
from otel_sessions.langfuse.answers import NotFound

_HASH_CHARS: Final = 22  # how the SDKs make a media id of the hash of the content
_ORGANIZATION: Final = {"id": "otel-sessions", "name": "otel-sessions"}


async def health(_: Request) -> Response:
    return JSONResponse({"status": "OK", "version": __version__})


async def projects(request: Request) -> Response:
    """The one project of the request; `auth_check` of the SDKs asks for it."""
    project: str = request.state.project
    named: dict[str, Any] = {"id": project, "name": project, "organization": _ORGANIZATION, "metadata": {}}
    return JSONResponse({"data": [named]})


async def prompt(request: Request) -> Response:
    """Always 404, on which the SDKs take the fallback of the caller."""
    raise NotFound(f"Prompt not found: {request.path_params['name']!r}; otel-sessions keeps no prompts")


class Media:
    """Takes note of nothing: the answer says that the content is there already, so that nobody uploads it."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    async def announce(self, request: Request) -> Response:
        """The SDK's own id of the content, without an address to upload it to."""
        body = await self._bodies.take(request, Body.json)
        digest = body.get("sha256Hash") if isinstance(body, dict) else None
        if not isinstance(digest, str) or not digest:
            raise InvalidData("sha256Hash: text expected")
        return JSONResponse({"mediaId": media_id(digest), "uploadUrl": None})

    async def uploaded(self, request: Request) -> Response:
        """Whatever is told of an upload, or uploaded, is let go by."""
        async with self._bodies.read(request):
            return JSONResponse({})


def media_id(digest: str) -> str:
    """Of the base64 SHA-256 of the content: in the alphabet of URLs, its first 22 characters."""
    return digest.replace("+", "-").replace("/", "_")[:_HASH_CHARS]

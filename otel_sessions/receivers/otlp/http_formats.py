"""The two encodings of OTLP/HTTP: how a request is read, and its answer written, in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from starlette.responses import Response

from otel_sessions.http.content_encoding import UnsupportedMediaType
from otel_sessions.receivers.otlp.http_errors import http_status, retry_after
from otel_sessions.receivers.otlp.json_messages import protobuf_of


@dataclass(frozen=True, slots=True)
class Format:
    """`protobuf_of` makes protobuf of a request body and raises `InvalidData`; `encode` writes an answer."""

    content_type: str
    protobuf_of: Callable[[bytes], bytes]
    encode: Callable[[Message], bytes]

    def answer(self, message: Message, status_code: int = 200) -> Response:
        return Response(self.encode(message), status_code, media_type=self.content_type)

    def refusal(self, status: Status, status_code: int | None = None) -> Response:
        """Checklist H4; with `Retry-After` where the client should come back."""
        answer = self.answer(status, status_code or http_status(status))
        again = retry_after(status)
        if again is not None:
            answer.headers["retry-after"] = str(again)
        return answer


PROTOBUF: Final = Format("application/x-protobuf", lambda body: body, lambda message: message.SerializeToString())
JSON: Final = Format(
    "application/json", protobuf_of, lambda message: json_format.MessageToJson(message, indent=None).encode()
)
FORMATS: Final = (PROTOBUF, JSON)
_BY_TYPE: Final = {each.content_type: each for each in FORMATS}


def format_of(content_type: str) -> Format:
    """By the header, whatever its parameters and case; `UnsupportedMediaType` for any other."""
    found = _BY_TYPE.get(_essence(content_type))
    if found is None:
        named = f"the content type {content_type!r} is not supported" if content_type else "there is no content type"
        raise UnsupportedMediaType(f"{named}; send {' or '.join(_BY_TYPE)}")
    return found


def refusal_format(content_type: str) -> Format:
    """What to answer in, where the request's content type need not be one of ours."""
    return _BY_TYPE.get(_essence(content_type), JSON)


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()

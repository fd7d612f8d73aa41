# SPDX-License-Identifier: Apache-2.0
"""A line in the log for what is refused: who sent it, how much, why, and what to do. `LimitedLog` bounds how many.

Every HTTP listener of ours has `Telling` around its application; over gRPC, reads included, and for spans rejected of a
request, the receiver calls `tell`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_sessions.http.auth import client_of
from otel_sessions.http.body import NOBODY_READS
from otel_sessions.telemetry import LimitedLog, printable

_READS: Final = ("GET", "HEAD", "OPTIONS")
OF_READS: Final = (401, 413, 429, 503)
"""The statuses of refused reads that the log has: for operators to mend. Any other, whoever asks is told."""
_REASON_BYTES: Final = 2048
_REASON_CHARS: Final = 300
_ADVICE: Final[Mapping[int, str]] = {
    400: "look at the sender: its exporter, the protocol it speaks, and what stands between",
    401: "give the sender the credentials that `auth` of this endpoint knows",
    403: "give the sender credentials that go so far, or let it ask for less",
    404: "mend the path at the sender",
    405: "mend the path or the method at the sender",
    413: "send smaller batches, or raise the limit of this endpoint",
    415: "mend the content type or the compression at the sender",
    429: "the sender is told to come back; if that goes on, send less at a time",
    500: "see the lines before this one; the sender may have dropped it",
    503: "the sender is told to come back, and keeps it until then; if that goes on, see `otel-sessions doctor`",
}
_BY_PEOPLE: Final = "whoever asks reads there why, and mends it"
"""The advice about faults in what is asked for, where people are told of them, by pages or by REST."""
_OF_OPERATORS: Final = (401, 403, 429)
_OF_PEOPLE: Final = ("text/html", "application/problem+json")
REJECTED: Final = "mend what the sender says there; the other spans are taken"
"""The advice about a request of which some spans are rejected."""


def tell(
    log: LimitedLog,
    status: int,
    reason: str,
    *,
    client: str,
    transport: str,
    what: str = "",
    project: str = "",
    nbytes: int | str | None = None,
    advice: str | None = None,
) -> None:
    """Warns that a request was refused with an HTTP status, or with what is that status over gRPC."""
    of = [text for text in (what, f"project {project}" if project else "", f"{nbytes} bytes" if nbytes else "") if text]
    about = f" ({', '.join(of)})" if of else ""
    told = printable(reason)[:_REASON_CHARS]
    advice = advice or _ADVICE.get(status) or _ADVICE[500 if status >= 500 else 400]
    line = f"{printable(client)} is refused over {transport}{printable(about)}: {told}; {advice}"
    log.tell(f"{client} {transport} {status}", line)


class Telling:
    """`app`, with a line for what it refuses: of requests that change something whatever status says so, of reads those
    that an operator can do something about. A request whose state has `is_told` has its line already."""

    def __init__(self, app: ASGIApp, log: LimitedLog, name: str) -> None:
        self._app = app
        self._log = log
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: Message = {}

        async def sending(message: Message) -> None:
            nonlocal begun
            status = message["status"] if message["type"] == "http.response.start" else 0
            is_of_change = status >= 400 and status != NOBODY_READS.status_code and scope["method"] not in _READS
            if status in OF_READS or is_of_change:
                begun = message
            elif begun and not scope.get("state", {}).get("is_told"):
                self._tell(scope, begun, message.get("body", b""))
                begun = {}
            await send(message)

        await self._app(scope, receive, sending)

    def _tell(self, scope: Scope, begun: Message, body: bytes) -> None:
        """Logs a request that is refused by an answer that begins with `begun` and whose first bytes are `body`."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        answered = {name.lower(): value.decode("latin-1") for name, value in begun.get("headers", ())}
        state = scope.get("state", {})
        to_people = answered.get(b"content-type", "").partition(";")[0] in _OF_PEOPLE
        path = scope["path"] if len(scope["path"]) <= 100 else f"{scope['path'][:100]}..."
        tell(
            self._log,
            begun["status"],
            f"{begun['status']} {_reason(body, answered) or state.get('reason', '')}".strip(),
            client=client_of(Request(scope)),
            transport=self._name,
            what=f"{scope['method']} {path}",
            project=str(state.get("project", "")),
            nbytes=headers.get(b"content-length"),
            advice=_BY_PEOPLE if to_people and begun["status"] not in _OF_OPERATORS and begun["status"] < 500 else None,
        )


def _reason(body: bytes, headers: Mapping[bytes, str]) -> str:
    """The reason that an answer gives, by its content type: protobuf, JSON or text. Empty where that cannot be read."""
    type_ = headers.get(b"content-type", "").partition(";")[0]
    if headers.get(b"content-encoding") or type_ == "text/html":
        return ""
    try:
        if type_ == "application/x-protobuf":
            return str(Status.FromString(body).message)
        if type_.endswith("json"):
            said = json.loads(body)
            return str(said.get("detail") or said.get("message") or "") if isinstance(said, dict) else ""
    except (DecodeError, ValueError):
        return ""
    return body[:_REASON_BYTES].decode(errors="replace").strip()

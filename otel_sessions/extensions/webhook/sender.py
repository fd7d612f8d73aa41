# SPDX-License-Identifier: Apache-2.0
"""One attempt to tell: a POST, signed by the Standard Webhooks specification (https://www.standardwebhooks.com), `v1`.

When an attempt is made, and why a second one may tell the same, stands in `extensions.idle_hook`. The receiver checks
signatures with any of the specification's libraries: HMAC-SHA256 of `ID.TIMESTAMP.BODY`, in base64.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError

from otel_sessions._version import __version__
from otel_sessions.extensions.webhook.config import Config
from otel_sessions.sessions.hooks import Notice

_ANSWER_BYTES: Final = 4096


class Sender:
    """Posts notices to the endpoint, over connections that are made when they are needed; follows no redirects."""

    def __init__(self, config: Config) -> None:
        self._url = config.url
        self._keys = config.keys
        self._headers = {name: value.get_secret_value() for name, value in config.headers.items()}
        self._headers |= {"Content-Type": "application/json", "User-Agent": f"otel-sessions/{__version__}"}
        context = config.tls.context() if config.url.startswith("https") else None
        self._timeout = urllib3.Timeout(total=config.timeout)
        self._pool = urllib3.PoolManager(retries=False, ssl_context=context)

    def send(self, notice: Notice) -> str | None:
        """Tells once; returns None when the receiver has taken it, else why not, on one line without the address."""
        body = notice.payload.encode()
        signed = signed_headers(self._keys, id_of(notice), int(time.time()), body)
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers={**self._headers, **signed},
                timeout=self._timeout,
                redirect=False,
                preload_content=False,
            )
            answer.read(_ANSWER_BYTES)
            answer.release_conn()
        except HTTPError as error:
            return f"the receiver is not reached: {type(error).__name__}"
        return None if 200 <= answer.status < 300 else f"the receiver answers {answer.status}"

    def close(self) -> None:
        self._pool.clear()


def id_of(notice: Notice) -> str:
    """The id of a notice, the same at every attempt, by which receivers know what they have had."""
    parts = (notice.hook, notice.project, notice.session_id, str(notice.revision))
    return f"{'idle' if notice.session_id else 'alert'}_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


def signed_headers(keys: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that sign a body, once by each key; `timestamp` is when it is sent, in seconds since 1970."""
    signed = f"{id_}.{timestamp}.".encode() + body
    signatures = [b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in keys]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }

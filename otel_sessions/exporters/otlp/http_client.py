"""OTLP over HTTP, in protobuf."""

from __future__ import annotations

import gzip
import ssl
from typing import Any, Final

import urllib3
from urllib3.exceptions import HTTPError

from otel_sessions._version import __version__
from otel_sessions.errors import Retryable
from otel_sessions.exporters.otlp import answers
from otel_sessions.exporters.otlp.config import OtlpHttpConfig, Tls

_PROTOBUF: Final = "application/x-protobuf"
_ANSWER_BYTES: Final = 64 * 2**10
_GZIP_LEVEL: Final = 4  # half the time of the default level, for a few percent of the size


class HttpClient:
    """A pool of connections, which are made when they are needed."""

    def __init__(self, config: OtlpHttpConfig) -> None:
        self.peer = config.url
        self._gzip = config.compression == "gzip"
        self._timeout = urllib3.Timeout(total=config.timeout)
        self._headers = {"User-Agent": f"otel-sessions/{__version__}", **config.plain_headers()}
        self._headers |= {"Content-Type": _PROTOBUF, **({"Content-Encoding": "gzip"} if self._gzip else {})}
        self._pool = urllib3.PoolManager(retries=False, **(_tls(config.tls) if self.peer.startswith("https") else {}))

    def send(self, body: bytes) -> bytes:
        """The response's bytes; one attempt. Raises `Permanent` or `Retryable`."""
        data = gzip.compress(body, _GZIP_LEVEL) if self._gzip else body
        try:
            answer = self._pool.request(
                "POST",
                self.peer,
                body=data,
                headers=self._headers,
                timeout=self._timeout,
                redirect=False,
                preload_content=False,
            )
            text = answer.read(_ANSWER_BYTES)
            if len(text) == _ANSWER_BYTES:
                answer.close()  # whatever else it says; otherwise the connection is used again
        except HTTPError as error:
            raise Retryable(f"{self.peer} cannot be reached: {answers.shown(str(error))}") from None
        if 200 <= answer.status < 300:
            return text if answer.headers.get("Content-Type", "").startswith(_PROTOBUF) else b""
        raise answers.of_http(self.peer, answer.status, text, answer.headers.get("Retry-After"))

    def close(self) -> None:
        self._pool.clear()


def _tls(tls: Tls) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
    named = {"server_hostname": tls.server_name_override, "assert_hostname": tls.server_name_override}
    return {"ssl_context": context, **(named if tls.server_name_override else {})}

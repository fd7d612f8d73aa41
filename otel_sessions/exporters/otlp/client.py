# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC, and over HTTP in protobuf: one attempt, bytes to bytes."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Final

import grpc
import urllib3
from urllib3.exceptions import HTTPError

from otel_sessions._version import __version__
from otel_sessions.errors import Retryable
from otel_sessions.exporters.otlp import answers
from otel_sessions.exporters.otlp.config import OtlpConfig, OtlpHttpConfig

_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_DETAILS: Final = "grpc-status-details-bin"


class GrpcClient:
    """A channel, which connects when it is needed and again when it was lost."""

    def __init__(self, config: OtlpConfig) -> None:
        self.peer = config.target
        self._timeout = config.timeout
        self._metadata = tuple((name.lower(), value) for name, value in config.plain_headers().items())
        self._channel = _channel(config)
        self._export: Any = self._channel.unary_unary(_EXPORT, None, None)  # bytes to bytes

    def send(self, body: bytes) -> bytes:
        """The response's bytes; one attempt. Raises `Permanent` or `Retryable`."""
        try:
            answer: bytes = self._export(body, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            trailers: Any = error.trailing_metadata() or ()
            details = dict(trailers).get(_DETAILS, b"")
            raise answers.error_of_grpc(self.peer, error.code(), error.details(), details) from None
        return answer

    def close(self) -> None:
        self._channel.close()


def _channel(config: OtlpConfig) -> grpc.Channel:
    options: list[tuple[str, object]] = [
        ("grpc.primary_user_agent", f"otel-sessions/{__version__}"),
        ("grpc.max_send_message_length", -1),
        ("grpc.enable_retries", 0),  # the pipeline tries again
        ("grpc.max_reconnect_backoff_ms", 5000),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if config.tls.server_name_override:
        options.append(("grpc.ssl_target_name_override", config.tls.server_name_override))
    compression = grpc.Compression.Gzip if config.compression == "gzip" else grpc.Compression.NoCompression
    if not config.secure:
        return grpc.insecure_channel(config.target, options, compression)
    ca, key, cert = (
        Path(file).read_bytes() if file else None
        for file in (config.tls.ca_file, config.tls.key_file, config.tls.cert_file)
    )
    return grpc.secure_channel(config.target, grpc.ssl_channel_credentials(ca, key, cert), options, compression)


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
        tls: dict[str, Any] = {"ssl_context": config.tls.context()} if self.peer.startswith("https") else {}
        if tls and (name := config.tls.server_name_override):
            tls |= {"server_hostname": name, "assert_hostname": name}
        self._pool = urllib3.PoolManager(retries=False, **tls)

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
        raise answers.error_of_http(self.peer, answer.status, text, answer.headers.get("Retry-After"))

    def close(self) -> None:
        self._pool.clear()

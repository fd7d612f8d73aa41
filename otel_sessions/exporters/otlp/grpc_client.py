"""OTLP over gRPC."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import grpc

from otel_sessions._version import __version__
from otel_sessions.exporters.otlp import answers
from otel_sessions.exporters.otlp.config import OtlpConfig

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
            raise answers.of_grpc(self.peer, error.code(), error.details(), details) from None
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

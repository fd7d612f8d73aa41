# SPDX-License-Identifier: Apache-2.0
"""Configuration of the receiver `otlp`, under the Collector's names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from otel_sessions.component import AuthSettings, Settings
from otel_sessions.http.server import ServerSettings
from otel_sessions.http.tls import ServerTls
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, ByteSize, Duration, HostPort, empty_means_defaults


class ServerParameters(Settings):
    """When the server looks after its connections; unset values are gRPC's own."""

    max_connection_idle: Duration | None = None
    max_connection_age: Duration | None = None
    max_connection_age_grace: Duration | None = None
    time: Duration | None = None
    timeout: Duration | None = None


class EnforcementPolicy(Settings):
    """How often a client may ping; one that pings more often is disconnected."""

    min_time: Duration = 300.0
    permit_without_stream: bool = False


class Keepalive(Settings):
    """Without an `enforcement_policy` no client is ever disconnected for its pings."""

    server_parameters: Annotated[ServerParameters, EMPTY_MEANS_DEFAULTS] = ServerParameters()
    enforcement_policy: EnforcementPolicy | None = None


class GrpcSettings(Settings):
    """OTLP/gRPC. `max_recv_msg_size_mib` caps a request after decompression."""

    endpoint: HostPort = HostPort("127.0.0.1", 4317)
    max_recv_msg_size_mib: int = Field(default=64, ge=1, le=1024)
    max_concurrent_streams: int | None = Field(default=None, ge=1, le=2**31 - 1)
    keepalive: Annotated[Keepalive, EMPTY_MEANS_DEFAULTS] = Keepalive()
    tls: ServerTls | None = None
    auth: AuthSettings | None = None


class Cors(Settings):
    """Which web pages may send spans: none, unless their origin is allowed. A `*` stands for any text."""

    allowed_origins: tuple[str, ...] = ()
    allowed_headers: tuple[str, ...] = ()
    max_age: Duration = 5.0


def _rooted(path: Any) -> Any:
    return f"/{path}" if isinstance(path, str) and not path.startswith("/") else path


class HttpSettings(ServerSettings):
    """OTLP/HTTP. `max_request_body_size` caps a request after decompression."""

    endpoint: HostPort = HostPort("127.0.0.1", 4318)
    max_request_body_size: Annotated[ByteSize, Field(ge=1, le=1 << 30)] = 64 << 20
    traces_url_path: Annotated[str, BeforeValidator(_rooted)] = "/v1/traces"
    cors: Annotated[Cors, EMPTY_MEANS_DEFAULTS] = Cors()


class Protocols(Settings):
    """The transports to listen on, at least one. A transport that is named without settings has the defaults."""

    grpc: GrpcSettings | None = None
    http: HttpSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_is_on(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: empty_means_defaults(settings) for name, settings in value.items()}

    @model_validator(mode="after")
    def _at_least_one(self) -> Protocols:
        if self.grpc is None and self.http is None:
            raise ValueError("name at least one protocol, as in `grpc: {}` or `http: {}`")
        return self


class OtlpSettings(Settings):
    """`receivers.otlp`."""

    protocols: Annotated[Protocols, EMPTY_MEANS_DEFAULTS]

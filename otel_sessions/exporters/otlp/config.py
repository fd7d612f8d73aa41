# SPDX-License-Identifier: Apache-2.0
"""Configuration of the exporters `otlp_grpc` and `otlp_http`; keys as in the Collector's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.http.tls import ClientTls
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, Duration

TRACES_PATH: Final = "/v1/traces"
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_METADATA: Final = re.compile(r"(?!grpc-)[0-9a-z_.-]+(?<!-bin)")


def _headers(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Names and values that HTTP can carry; the message shows no value."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value.get_secret_value()):
            raise ValueError(f"{name!r} or its value cannot be a header: visible ASCII only")
    return headers


def _url(text: str, schemes: tuple[str, ...]) -> SplitResult:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"write {' or '.join(f'{scheme}://host:port' for scheme in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials go into `headers`")
    parts.port  # noqa: B018 - raises ValueError for one that is none
    return parts


def _grpc_endpoint(text: str) -> str:
    parts = _url(text if "://" in text else f"//{text}", ("", "http", "https"))
    if parts.port is None or parts.path not in {"", "/"}:
        raise ValueError("write host:port, or http(s)://host:port")
    return text


def _http_endpoint(text: str) -> str:
    _url(text, ("http", "https"))
    return text


class Tls(ClientTls):
    """`insecure` is without TLS; for a name in the server's certificate that is not its host's there is
    `server_name_override`."""

    insecure: bool = False
    server_name_override: str = ""


class _Forwarding(SendingSettings):
    """What both exporters can be told. `timeout` is for one request, in seconds."""

    tls: Annotated[Tls, EMPTY_MEANS_DEFAULTS] = Tls()
    headers: Annotated[Mapping[str, SecretStr], EMPTY_MEANS_DEFAULTS, AfterValidator(_headers)] = Field(
        default={}, repr=False
    )
    compression: Literal["gzip", "none"] = "gzip"
    timeout: Duration = Field(default=5.0, gt=0)

    def plain_headers(self) -> dict[str, str]:
        """The headers by name, secrets as plain text."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


class OtlpConfig(_Forwarding):
    """`endpoint` is `host:port`. TLS is used unless `tls.insecure` says not to, or a scheme decides."""

    endpoint: Annotated[str, AfterValidator(_grpc_endpoint)]

    @model_validator(mode="after")
    def _verifies(self) -> OtlpConfig:
        if self.tls.insecure_skip_verify:
            raise ValueError(
                "gRPC for Python always verifies: name the server's certificate in tls.ca_file, and what it is called "
                "in tls.server_name_override"
            )
        return self

    @model_validator(mode="after")
    def _has_headers_of_grpc(self) -> OtlpConfig:
        if others := [repr(name) for name in self.headers if not _METADATA.fullmatch(name.lower())]:
            raise ValueError(f"gRPC has no header {' and no '.join(others)}")
        return self

    @property
    def secure(self) -> bool:
        scheme = self.endpoint.partition("://")[0] if "://" in self.endpoint else ""
        return scheme == "https" or (not scheme and not self.tls.insecure)

    @property
    def target(self) -> str:
        """The back end as `host:port`."""
        return self.endpoint.rpartition("://")[2].rstrip("/")


class OtlpHttpConfig(_Forwarding):
    """`endpoint` is the base of the URL, to which `/v1/traces` is added; `traces_endpoint` is all of it."""

    endpoint: Annotated[str, AfterValidator(_http_endpoint)] | None = None
    traces_endpoint: Annotated[str, AfterValidator(_http_endpoint)] | None = None

    @model_validator(mode="after")
    def _has_an_endpoint(self) -> OtlpHttpConfig:
        if self.endpoint is None and self.traces_endpoint is None:
            raise ValueError("endpoint is required, as in https://otlp.example:4318")
        return self

    @property
    def url(self) -> str:
        return self.traces_endpoint or f"{(self.endpoint or '').rstrip('/')}{TRACES_PATH}"

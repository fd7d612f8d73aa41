# SPDX-License-Identifier: Apache-2.0
"""TLS of what listens, `ServerTls`, and of what connects, `ClientTls`, by the names of the Collector's configtls."""

from __future__ import annotations

import ssl
from typing import Annotated, Any, Final, Literal

import urllib3
from pydantic import AfterValidator, BeforeValidator, model_validator

from otel_sessions.component import Settings
from otel_sessions.types import ReadableFile

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def _has_certificates(path: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValueError(f"has no certificates in PEM: {error.reason or error}") from error
    return path


def _as_text(value: Any) -> Any:
    """The version as text: `min_version: 1.3` is a number in YAML."""
    return str(value) if isinstance(value, float) else value


def _no_password() -> str:
    raise ValueError("key_file is encrypted; store the key in plain, readable to the service alone")


class ServerTls(Settings):
    """Files in PEM, read at the start. With `client_ca_file` a client needs a certificate of these authorities."""

    cert_file: ReadableFile
    key_file: ReadableFile
    client_ca_file: Annotated[ReadableFile, AfterValidator(_has_certificates)] | None = None
    min_version: Annotated[Literal["1.2", "1.3"], BeforeValidator(_as_text)] = "1.2"

    @model_validator(mode="after")
    def _usable(self) -> ServerTls:
        try:
            self.context()
        except ssl.SSLError as error:
            reason = error.reason or error
            raise ValueError(f"cert_file and key_file are no certificate and its key, in PEM: {reason}") from error
        return self

    def context(self) -> ssl.SSLContext:
        """The settings as a context for Python's servers. Raises OSError for files that are of no use."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[self.min_version]
        context.load_cert_chain(self.cert_file, self.key_file, _no_password)
        context.set_alpn_protocols(["http/1.1"])
        if self.client_ca_file is not None:
            context.load_verify_locations(self.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class ClientTls(Settings):
    """Files in PEM; without `ca_file` the system's authorities are trusted."""

    ca_file: ReadableFile | None = None
    cert_file: ReadableFile | None = None
    key_file: ReadableFile | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _both_or_none(self) -> ClientTls:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self

    def context(self) -> ssl.SSLContext:
        """The settings as a context for Python's clients. Raises OSError for files that are of no use."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file, _no_password)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
        return context

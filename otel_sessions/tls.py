"""How a server proves who it is, and we to it: keys that exporters share, by the names of the Collector's configtls."""

from __future__ import annotations

from pydantic import model_validator

from otel_sessions.component import Settings
from otel_sessions.types import ReadableFile


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

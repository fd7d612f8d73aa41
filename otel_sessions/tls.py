"""How a server proves who it is, and we to it: keys that exporters share, by the names of the Collector's configtls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, model_validator

from otel_sessions.component import Settings


def _readable(path: str) -> str:
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    return path


File = Annotated[str, AfterValidator(_readable)]


class ClientTls(Settings):
    """Files in PEM; without `ca_file` the system's authorities are trusted."""

    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _both_or_none(self) -> ClientTls:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self

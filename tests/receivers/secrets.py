"""What tests of a secured receiver need: authorities, certificates in files, authenticators on a host."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from otel_sessions.component import Authenticator, ComponentId, Host
from otel_sessions.extensions.auth import basic, bearer
from otel_sessions.telemetry import Metrics

FACTORIES = {"basicauth": basic.factory, "bearertokenauth": bearer.factory}


@dataclass(frozen=True)
class Pki:
    """`server` are the keys of `tls` of a receiver at 127.0.0.1; `ca_file`, `cert_file`, `key_file` are a client's."""

    server: dict[str, str]
    ca_file: str
    cert_file: str
    key_file: str

    def read(self, name: str) -> bytes:
        return Path(getattr(self, name)).read_bytes()


def pki(path: Path) -> Pki:
    """With an authority of its own, for server and client."""
    path.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1", "localhost"), authority.issue_cert("client@example.com")

    def written(name: str, *blobs: trustme.Blob) -> str:
        (path / name).write_bytes(b"".join(blob.bytes() for blob in blobs))
        return str(path / name)

    files = {
        "cert_file": written("server.pem", *server.cert_chain_pems),
        "key_file": written("server.key", server.private_key_pem),
    }
    return Pki(
        files,
        written("ca.pem", authority.cert_pem),
        written("client.pem", *client.cert_chain_pems),
        written("client.key", client.private_key_pem),
    )


def authenticator(type_: str, **settings: Any) -> Authenticator:
    """One of ours, of these settings."""
    factory = FACTORIES[type_]
    config = factory.config.model_validate(settings)
    made: Authenticator = factory.create(ComponentId(type_), config, Host(Metrics()))
    return made


def basic_of(name: str, password: str) -> str:
    """The header `authorization` of a user."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def auth(id_: str) -> Mapping[str, Any]:
    """The setting of a receiver."""
    return {"auth": {"authenticator": id_}}

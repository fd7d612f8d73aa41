"""Who may write: the owner of the data directory, by the secret in its lock file.

That file has mode 0600: who can read it can write the data anyway. All others read, whatever they call themselves.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hmac import compare_digest

from otel_sessions.lock import OWNER


def is_owner(headers: Mapping[str, str], secret: str) -> bool:
    """Whether the request carries the owner's name and this secret, in ClickHouse's headers or as basic authentication.

    Takes equally long for every secret that is wrong. Never true for an empty secret.
    """
    user, password = _credentials(headers)
    return bool(secret) and user == OWNER.encode() and compare_digest(password, secret.encode())


def _credentials(headers: Mapping[str, str]) -> tuple[bytes, bytes]:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(value)
    return headers.get("x-clickhouse-user", "").encode(), headers.get("x-clickhouse-key", "").encode()


def _basic(value: str) -> tuple[bytes, bytes]:
    try:
        user, _, password = b64decode(value, validate=True).partition(b":")
    except ValueError:
        return b"", b""
    return user, password

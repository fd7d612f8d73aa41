# SPDX-License-Identifier: Apache-2.0
"""Signatures by the Standard Webhooks specification (https://www.standardwebhooks.com), version `v1`.

The receiver checks them with any of its libraries: HMAC-SHA256 of `ID.TIMESTAMP.BODY`, in base64.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

_PREFIX: Final = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a key."""


def key_of(secret: str) -> bytes:
    """The key in a secret as the specification writes it; ValueError says how that is."""
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else b""
    except binascii.Error:
        key = b""
    if not _LEAST <= len(key) <= _MOST:
        raise ValueError('write "whsec_" and 24 to 64 random bytes in base64, as `openssl rand -base64 32` gives')
    return key


def headers(keys: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What goes with a body that is sent at a time (unix seconds); one signature a key."""
    signed = f"{id_}.{timestamp}.".encode() + body
    signatures = [b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in keys]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }

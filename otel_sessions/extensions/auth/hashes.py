# SPDX-License-Identifier: Apache-2.0
"""Secrets as they are kept: hashed, and compared in a time that tells nothing of them; and lists of them, htpasswd."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from hmac import compare_digest
from hmac import digest as keyed_digest
from secrets import token_bytes
from threading import BoundedSemaphore, Lock
from typing import Final, Protocol

import bcrypt

from otel_sessions.errors import Retryable

_KEY: Final = token_bytes(32)  # new in each process: a digest that leaks is of no use
_BCRYPT: Final = re.compile(rb"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_SHA: Final = b"{SHA}"
_OTHERS: Final = re.compile(rb"\$|\{[A-Z0-9-]+\}")
_BCRYPT_BYTES: Final = 72  # it looks at no more; the library would refuse to
_ONE_AT_A_TIME: Final = Lock()  # wrong passwords, sent on purpose, get one core to spend
_ROOM: Final = BoundedSemaphore(8)  # and no more threads than this to wait for it


def digest(secret: bytes) -> bytes:
    """32 bytes that tell nothing of the secret, and are others in the next process."""
    return keyed_digest(_KEY, secret, "sha256")


class Password(Protocol):
    """The password that a user has; `cost` says how slow it is to compare another with it."""

    cost: int

    def matches(self, password: bytes) -> bool: ...


class Plain:
    cost = 0

    def __init__(self, password: bytes) -> None:
        self._digest = digest(password)

    def matches(self, password: bytes) -> bool:
        return compare_digest(digest(password), self._digest)


class Sha1:
    cost = 1

    def __init__(self, hashed: bytes) -> None:
        self._hashed = hashed

    def matches(self, password: bytes) -> bool:
        return compare_digest(hashlib.sha1(password, usedforsecurity=False).digest(), self._hashed)


class Bcrypt:
    """Slow the first time that a password is right, and whenever it is wrong; `Retryable` while too many are asked."""

    def __init__(self, hashed: bytes) -> None:
        self._hashed = hashed
        self._right = b""
        self.cost = 2 + int(hashed[4:6])

    def matches(self, password: bytes) -> bool:
        found = digest(password)
        if compare_digest(found, self._right):
            return True
        if not _ROOM.acquire(blocking=False):
            raise Retryable("too many passwords are being checked")
        try:
            with _ONE_AT_A_TIME:
                is_right = bcrypt.checkpw(password[:_BCRYPT_BYTES], self._hashed)
        finally:
            _ROOM.release()
        if is_right:
            self._right = found
        return is_right


def password_of(text: bytes) -> Password:
    """A password of htpasswd: bcrypt, {SHA} or plain. Raises ValueError, without the text, for another kind of hash."""
    if _BCRYPT.fullmatch(text):
        return Bcrypt(text)
    if text.startswith(_SHA):
        try:
            hashed = b64decode(text.removeprefix(_SHA), validate=True)
        except ValueError:
            hashed = b""
        if len(hashed) != hashlib.sha1(usedforsecurity=False).digest_size:
            raise ValueError("what follows {SHA} is not the base64 of a SHA-1")
        return Sha1(hashed)
    if _OTHERS.match(text):
        raise ValueError("this kind of hash is not supported; use bcrypt (htpasswd -B) or {SHA}")
    if not text:
        raise ValueError("the password is empty")
    return Plain(text)


def parse_htpasswd(content: bytes) -> dict[bytes, Password]:
    """The users in the lines `name:password` of Apache's htpasswd, where the password is hashed, or plain.

    Empty lines and those after `#` are passed over. ValueError names the line, and repeats none of it.
    """
    found: dict[bytes, Password] = {}
    for number, line in enumerate(content.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        name, colon, password = text.partition(b":")
        if not name or not colon:
            raise ValueError(f"line {number}: write name:password")
        try:
            found.setdefault(name, password_of(password))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    if not found:
        raise ValueError("has no users")
    return found
